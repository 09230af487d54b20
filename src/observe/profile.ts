import type { Clock } from '../base/clock.ts';
import type { HttpHandler, HttpRequest } from './http-exchange.ts';
import { textReply } from './http-exchange.ts';

const DEFAULT_SECONDS = 30;
const MAX_SECONDS = 300;

/**
 * `/debug/pprof/profile?seconds=N`: a CPU profile of this process in the format of Chrome's developer tools (`.cpuprofile`).
 * One at a time; it ends early when the client goes.
 */
export function profileHandler(clock: Clock): HttpHandler {
  let busy = false;
  return async ({ query, signal }) => {
    const seconds = Number(query.get('seconds') ?? DEFAULT_SECONDS);
    if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
      return textReply(400, `seconds must be more than 0 and at most ${MAX_SECONDS}\n`);
    }
    if (busy) return textReply(409, 'another profile is being taken\n');
    busy = true;
    try {
      const profile = await takeProfile(clock, seconds * 1000, signal);
      return {
        status: 200,
        contentType: 'application/json',
        body: JSON.stringify(profile),
        headers: { 'Content-Disposition': 'attachment; filename="sluice.cpuprofile"' },
      };
    } finally {
      busy = false;
    }
  };
}

async function takeProfile(clock: Clock, durationMs: number, signal: HttpRequest['signal']): Promise<unknown> {
  // Loaded when first needed: it costs memory that a node should not pay for nothing.
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await new Promise<void>((resolve) => {
      const cancel = clock.after(durationMs, resolve);
      const stop = (): void => {
        cancel();
        resolve();
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    const { profile } = await session.post('Profiler.stop');
    return profile;
  } finally {
    session.disconnect();
  }
}
