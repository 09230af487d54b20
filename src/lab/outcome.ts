import type { Greeting, ProbeResult } from './protocol.ts';

/** The line that a server of the lab sends. */
export function greeting(server: string, client: string, clientPort: number): string {
  return `${JSON.stringify({ server, client, clientPort } satisfies Greeting)}\n`;
}

/** Reads what {@link greeting} wrote. */
export function parseGreeting(line: string): Greeting {
  const { server, client, clientPort } = JSON.parse(line) as Greeting;
  return { server, client, clientPort };
}

/** Errors that say something about the path to the other end; all others are faults of the lab and are thrown on. */
export function explainErrno(thrown: unknown, ms: number): ProbeResult {
  const errno = errnoOf(thrown);
  switch (errno) {
    case 'ECONNREFUSED':
      return { outcome: 'refused', ms };
    case 'ECONNRESET':
    case 'EPIPE':
      return { outcome: 'reset', ms };
    case 'ETIMEDOUT':
      return { outcome: 'timeout', ms };
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EACCES':
    case 'EPERM':
    case 'EPROTO':
    case 'ENOPROTOOPT':
    case 'EHOSTDOWN':
    case 'ENONET':
      return { outcome: 'unreachable', errno, ms };
    default:
      throw thrown;
  }
}

/** The system's name for what went wrong, such as `EADDRINUSE`. */
export function errnoOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** @returns a function that tells the milliseconds since now, with two decimals. */
export function startClock(): () => number {
  const startedAt = performance.now();
  return () => Math.round((performance.now() - startedAt) * 100) / 100;
}
