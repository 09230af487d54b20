import type { Clock } from '../../base/clock.ts';
import { assertNever } from '../../base/errors.ts';
import { RCODE } from '../wire/constants.ts';
import { randomWord } from './question.ts';
import type { AskOptions, Asked, Upstream } from './upstream.ts';

/** Who is asked first: anyone, each in turn, or always the first that works. CoreDNS's names. */
export type Policy = 'random' | 'round_robin' | 'sequential';

export interface GroupOptions {
  readonly upstreams: readonly Upstream[];
  readonly policy: Policy;
  readonly clock: Clock;
  /** For all attempts together. */
  readonly totalTimeoutMs: number;
  /** Every upstream is down, and one is asked nevertheless. */
  readonly onAllDown: () => void;
}

/** The name servers for a zone: when one fails another is asked. */
export class UpstreamGroup {
  readonly #options: GroupOptions;
  #turn = 0;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  get upstreams(): readonly Upstream[] {
    return this.#options.upstreams;
  }

  /**
   * Everyone is asked at most twice, as long as there is time. An upstream that answers SERVFAIL or REFUSED is asked once:
   * when nobody knows better that is the answer, as for the resolver of the C library.
   */
  async ask(request: Omit<AskOptions, 'deadlineMs'>): Promise<Asked> {
    const { clock, totalTimeoutMs } = this.#options;
    const deadlineMs = clock.now() + totalTimeoutMs;
    const candidates = this.#candidates();
    const unwilling = new Set<Upstream>();
    let best: Asked = { failure: 'no upstream is known', reason: 'unasked' };
    for (const upstream of [...candidates, ...candidates]) {
      if (unwilling.has(upstream)) continue;
      if (clock.now() >= deadlineMs) break;
      const asked = await upstream.ask({ ...request, deadlineMs });
      if ('message' in asked) {
        const { rcode } = asked.message;
        if (rcode !== RCODE.servFail && rcode !== RCODE.refused) return asked;
        unwilling.add(upstream);
        best = asked;
      } else if (!('message' in best)) best = { ...asked, failure: `${upstream.name}: ${asked.failure}` };
    }
    return best;
  }

  #candidates(): readonly Upstream[] {
    const { upstreams, onAllDown } = this.#options;
    const healthy = upstreams.filter((upstream) => !upstream.isDown);
    if (healthy.length > 0) return this.#ordered(healthy);
    // Perhaps only the probes get lost; and otherwise nobody would ever be asked again.
    if (upstreams.length > 0) onAllDown();
    return this.#ordered(upstreams);
  }

  #ordered(upstreams: readonly Upstream[]): readonly Upstream[] {
    if (upstreams.length < 2) return upstreams;
    switch (this.#options.policy) {
      case 'sequential':
        return upstreams;
      case 'round_robin':
        return rotated(upstreams, this.#turn++ % upstreams.length);
      case 'random':
        return shuffled(upstreams);
      default:
        return assertNever(this.#options.policy);
    }
  }
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  return [...items.slice(by), ...items.slice(0, by)];
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  const keyed = items.map((item) => ({ item, key: randomWord() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}
