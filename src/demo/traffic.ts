import type { Origin } from '../compiler/plan.ts';
import type { IpFamily } from '../model/address.ts';
import type { Lab } from '../lab/lab.ts';
import type { ProbeResult } from '../lab/protocol.ts';
import type { Expectation } from './expectation.ts';

/** What really happened to an expectation. */
export interface Observation {
  readonly expectation: Expectation;
  readonly held: boolean;
  /** For the table: `3/4 endpoints`, `refused`, `got timeout`. */
  readonly seen: string;
}

/** Which of the lab's places stands for an origin. */
export const PLACE_OF = { pod: 'pod-a', node: 'node', outside: 'outside' } as const satisfies Record<Origin, string>;

/** Connections per endpoint: with ten for each of four, the chance to miss one is one in 100,000. */
const PROBES_PER_ENDPOINT = 10;

/** Longer than the second SYN, which some IPv6 refusals need. */
const PATIENCE_MS = 1400;

/** Sends real packets for one expectation. Servers answer with the name `address:port` of the endpoint they are. */
export async function observe(lab: Lab, family: IpFamily, expectation: Expectation): Promise<Observation> {
  const { protocol, address, port, result } = expectation;
  const place = lab.at(PLACE_OF[expectation.origin]);
  const count = result.kind === 'reply' ? result.endpoints.length * PROBES_PER_ENDPOINT : 1;
  const replies = await place.probes({ protocol, address, port, timeoutMs: PATIENCE_MS, count });
  return judge(expectation, replies, place.addresses[family]);
}

function judge(expectation: Expectation, replies: readonly ProbeResult[], ownAddress: string): Observation {
  const { result } = expectation;
  const wanted = { reply: 'reply', refused: 'refused', dropped: 'timeout' }[result.kind];
  const other = replies.find(({ outcome }) => outcome !== wanted && !isLocalDrop(wanted, outcome));
  if (other !== undefined) return { expectation, held: false, seen: `got ${spell(other)}` };
  if (result.kind !== 'reply') return { expectation, held: true, seen: result.kind };
  const servers = new Set<string>();
  for (const reply of replies) {
    if (reply.outcome !== 'reply') continue;
    servers.add(reply.server);
    if (!result.endpoints.includes(reply.server)) {
      return { expectation, held: false, seen: `${reply.server} answered` };
    }
    // The node's own packets leave with one of its addresses either way.
    const masqueraded = reply.client !== ownAddress;
    if (expectation.origin !== 'node' && masqueraded !== result.masquerade) {
      return { expectation, held: false, seen: `source ${reply.client}` };
    }
  }
  const note = result.masquerade ? ', masqueraded' : '';
  return { expectation, held: true, seen: `${servers.size}/${result.endpoints.length}${note}` };
}

/** A packet dropped on its way out of the machine that sends it is an error for the sender, not silence. */
function isLocalDrop(wanted: string | undefined, outcome: ProbeResult['outcome']): boolean {
  return wanted === 'timeout' && outcome === 'unreachable';
}

function spell(reply: ProbeResult): string {
  return reply.outcome === 'reply' ? `an answer of ${reply.server}` : reply.outcome;
}
