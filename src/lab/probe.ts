import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { connect, isIPv6 } from 'node:net';
import { explainErrno, parseGreeting, startClock } from './outcome.ts';
import type { ProbeParams, ProbeResult } from './protocol.ts';
import { probeSctp } from './sctp.ts';

/** Asks once and says what happened. Rejects only for faults of our own side, such as a source port that is taken. */
export async function probe(params: ProbeParams): Promise<ProbeResult> {
  if (params.protocol === 'udp') return probeUdp(params);
  if (params.protocol === 'sctp') return probeSctp(params);
  const { result, socket } = await openTcp(params);
  // A reset leaves no port in TIME_WAIT.
  socket?.resetAndDestroy();
  return result;
}

/** A connection that got its greeting comes back open; it drops what it receives, and the caller closes it. */
export async function openTcp(
  params: Omit<ProbeParams, 'protocol'>,
): Promise<{ result: ProbeResult; socket?: Socket }> {
  const clock = startClock();
  const socket = connect({
    host: params.address,
    port: params.port,
    noDelay: true,
    ...(params.sourceAddress !== undefined && { localAddress: params.sourceAddress }),
    ...(params.sourcePort !== undefined && { localPort: params.sourcePort }),
  });
  socket.setEncoding('utf8');
  let timer: NodeJS.Timeout | undefined;
  try {
    const line = await new Promise<string | undefined>((resolve, reject) => {
      let received = '';
      timer = setTimeout(resolve, params.timeoutMs, undefined);
      socket.on('error', reject);
      socket.once('close', () => reject(Object.assign(new Error('closed without a greeting'), { code: 'ECONNRESET' })));
      socket.on('data', (chunk) => {
        received += String(chunk);
        if (received.endsWith('\n')) resolve(received);
      });
    });
    if (line === undefined) {
      socket.destroy();
      return { result: { outcome: 'timeout', ms: clock() } };
    }
    const result: ProbeResult = { outcome: 'reply', ...parseGreeting(line), ms: clock() };
    socket.removeAllListeners('data').resume();
    return { result, socket };
  } catch (thrown) {
    socket.destroy();
    return { result: explainErrno(thrown, clock()) };
  } finally {
    clearTimeout(timer);
  }
}

async function probeUdp(params: ProbeParams): Promise<ProbeResult> {
  const clock = startClock();
  const socket = createSocket({ type: isIPv6(params.address) ? 'udp6' : 'udp4' });
  let timer: NodeJS.Timeout | undefined;
  try {
    const line = await new Promise<string | undefined>((resolve, reject) => {
      timer = setTimeout(resolve, params.timeoutMs, undefined);
      socket.on('error', reject);
      socket.once('message', (message) => resolve(message.toString()));
      socket.once('connect', () => socket.send('probe\n', (fault) => fault && reject(fault)));
      const address = params.sourceAddress ?? (isIPv6(params.address) ? '::' : '0.0.0.0');
      // Only a connected socket is told about ICMP errors.
      socket.bind({ address, port: params.sourcePort ?? 0, exclusive: true }, () =>
        socket.connect(params.port, params.address),
      );
    });
    return line === undefined
      ? { outcome: 'timeout', ms: clock() }
      : { outcome: 'reply', ...parseGreeting(line), ms: clock() };
  } catch (thrown) {
    return explainErrno(thrown, clock());
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}
