import { createSocket } from 'node:dgram';
import type { Clock } from '../../base/clock.ts';
import { familyOf } from '../../model/address.ts';
import type { Endpoint } from './endpoint.ts';
import { hostText } from './endpoint.ts';
import type { Outcome } from './outcome.ts';
import type { SentQuery } from './question.ts';
import { matchResponse } from './question.ts';

export interface UdpOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** So many datagrams that do not fit a query, and it is asked over TCP instead. */
  readonly maxMismatches: number;
  readonly onMismatch: () => void;
}

type Lookup = (host: string, options: unknown, done: (error: null, address: string, family: number) => void) => void;

/**
 * Asks over UDP, each query from a socket of its own: the kernel gives it a random port and, as it is connected, shows it
 * datagrams of the upstream only. A forger has to guess port, id and, where it is mixed, upper and lower case (RFC 5452).
 */
export class UdpExchange {
  readonly #options: UdpOptions;
  readonly #family: 4 | 6;
  readonly #lookup: Lookup;
  /** What ends each query under way. */
  readonly #underWay = new Set<(outcome: Outcome) => void>();

  constructor(options: UdpOptions) {
    this.#options = options;
    this.#family = familyOf(options.endpoint.address) === 'IPv4' ? 4 : 6;
    // The address is one already; Node would ask its resolver.
    this.#lookup = (host, _options, done) => done(null, host, this.#family);
  }

  ask(sent: SentQuery, timeoutMs: number): Promise<Outcome> {
    const { endpoint, clock, maxMismatches, onMismatch } = this.#options;
    return new Promise((resolve) => {
      const socket = createSocket({ type: `udp${this.#family}`, lookup: this.#lookup });
      const finish = (outcome: Outcome): void => {
        if (!this.#underWay.delete(finish)) return;
        cancelTimer();
        socket.close();
        resolve(outcome);
      };
      this.#underWay.add(finish);
      const fail = (error: Error): void => finish({ ok: false, reason: 'error', detail: error.message });
      const cancelTimer = clock.after(timeoutMs, () => {
        finish({ ok: false, reason: 'timeout', detail: `no answer over UDP within ${Math.round(timeoutMs)} ms` });
      });
      let mismatches = 0;
      socket.on('error', fail);
      socket.on('message', (message) => {
        const match = matchResponse(sent, message);
        if (match === 'answer' || match === 'unread') return finish({ ok: true, message, match });
        onMismatch();
        if (match === 'folded' || ++mismatches >= maxMismatches) {
          finish({ ok: false, reason: 'doubtful', detail: 'datagrams that do not fit the query' });
        }
      });
      socket.on('connect', () => {
        if (!this.#underWay.has(finish)) return;
        socket.send(sent.packet, (error) => {
          if (error !== null) fail(error);
        });
      });
      // Without a callback, so that what goes wrong (no route to it) is an event like all other errors.
      socket.connect(endpoint.port, hostText(endpoint));
    });
  }

  close(): void {
    for (const finish of this.#underWay) finish({ ok: false, reason: 'closed', detail: 'stopping' });
  }
}
