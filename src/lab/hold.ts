import type { Socket } from 'node:net';
import { errnoOf, startClock } from './outcome.ts';
import type { HoldCheckResult } from './protocol.ts';

/** Sends a line over an established connection and waits for its echo. */
export async function checkHeld(socket: Socket, timeoutMs: number): Promise<HoldCheckResult> {
  const clock = startClock();
  const token = `check ${Math.trunc(performance.now() * 1000)}\n`;
  let received = '';
  let settle: (reason: string | undefined) => void = () => undefined;
  const onData = (chunk: unknown): void => {
    received += String(chunk);
    if (received.endsWith(token)) settle(undefined);
  };
  const onClose = (): void => settle('closed');
  const onError = (fault: Error): void => settle(errnoOf(fault) ?? fault.message);
  const timer = setTimeout(() => settle('timeout'), timeoutMs);
  const reason = await new Promise<string | undefined>((resolve) => {
    settle = resolve;
    if (socket.destroyed || socket.readableEnded) {
      resolve('closed');
      return;
    }
    socket.on('data', onData).on('end', onClose).on('close', onClose).on('error', onError);
    socket.write(token, (fault) => fault && onError(fault));
  });
  clearTimeout(timer);
  socket.off('data', onData).off('end', onClose).off('close', onClose).off('error', onError).resume();
  return reason === undefined ? { alive: true, ms: clock() } : { alive: false, reason, ms: clock() };
}
