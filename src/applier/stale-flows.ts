import type { Clock } from '../base/clock.ts';
import type { SluiceError } from '../base/errors.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { NodePortAddresses } from '../compiler/plan.ts';
import type { Conntrack } from '../kernel/conntrack.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import { isLoopback, socketAddress } from '../model/address.ts';
import type { Destination, DestinationChange, FlowState } from './stale-destinations.ts';
import { changedDestinations, destinationOf } from './stale-destinations.ts';

/** What is looked at of an entry of the kernel. */
interface Flow {
  readonly destination: IpAddress;
  readonly destinationPort: number;
  readonly replySource: IpAddress;
  readonly replySourcePort: number;
}

export interface StaleFlowsOptions {
  readonly conntrack: Pick<Conntrack, 'list' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
  /** This machine's addresses as they are now, canonical; asked before each cleaning that concerns NodePorts. */
  readonly localAddresses: () => readonly string[];
}

/** What a cleaning did. */
export interface CleanReport {
  readonly family: IpFamily;
  /** How many destinations were looked into; 0 when there was no reason to look at all. */
  readonly destinations: number;
  /** UDP flows that were cut. */
  readonly deleted: number;
  readonly ms: number;
  /** Why it did not come to an end. The same destinations are due at the next cleaning, unless it can never work. */
  readonly failure?: SluiceError;
}

type Due = Omit<DestinationChange, 'harmless'>;

/**
 * Cuts UDP flows that the kernel still sends to endpoints which may no longer answer: a flow keeps its translation for as
 * long as its client goes on sending, whatever the rules say by then. What there is to do adds up until a cleaning has
 * succeeded. Rules U1 to U8 of the reference, with these differences, all of them wanted:
 *
 * - a Service without endpoints, a deleted Service, an address or NodePort that was taken from one are cleaned too (for
 *   kube-proxy, U7 and U8, such flows go on for ever);
 * - a NodePort is one only on addresses of this node that serve NodePorts; elsewhere, and where no Service has the
 *   destination any more, only flows translated to an endpoint known from before are cut (U5 cuts unrelated ones);
 * - nothing is listed when a change cannot have left a stale flow, such as one more endpoint.
 *
 * What disappeared while no sluice ran is not known to it, and such flows end by themselves when their client pauses.
 */
export class StaleFlows {
  readonly #options: StaleFlowsOptions;
  readonly #noted = new Map<IpFamily, FlowState>();
  readonly #due = new Map<IpFamily, Map<Destination, Due>>();
  #lastWarning: string | undefined;
  #unavailable = false;

  constructor(options: StaleFlowsOptions) {
    this.#options = options;
  }

  /**
   * To be told each state before it is written, whether or not the write will succeed: flows may take any of them. The
   * first one of a family makes all its destinations due, later ones what differs from the one before.
   */
  note(state: FlowState): void {
    const { family } = state.plan;
    const before = this.#noted.get(family);
    this.#noted.set(family, state);
    const due = this.#dueOf(family);
    for (const [destination, { harmless, ...change }] of changedDestinations(before, state)) {
      const known = due.get(destination);
      if (known !== undefined) due.set(destination, { ...change, lost: new Set([...known.lost, ...change.lost]) });
      else if (!harmless) due.set(destination, change);
    }
  }

  /**
   * Deletes what is stale according to the last state of the family, which must be in the kernel by now: a flow that is
   * cut before would only be translated the old way again. Never throws; a failure is warned of once and goes into the
   * report.
   */
  async clean(family: IpFamily): Promise<CleanReport> {
    const { clock, log } = this.#options;
    const state = this.#noted.get(family);
    const due = new Map(this.#dueOf(family));
    const startedMs = clock.now();
    if (this.#unavailable) this.#forget(family, due);
    if (state === undefined || this.#unavailable || due.size === 0)
      return { family, destinations: 0, deleted: 0, ms: 0 };
    const report = (deleted: number): CleanReport => ({
      family,
      destinations: due.size,
      deleted,
      ms: clock.now() - startedMs,
    });
    try {
      const deleted = await this.#delete(family, due, state.plan.node.nodePortAddresses);
      this.#forget(family, due);
      this.#lastWarning = undefined;
      if (deleted > 0) log.info('stale UDP flows deleted', { family, flows: deleted, destinations: due.size });
      return report(deleted);
    } catch (thrown) {
      const failure = toSluiceError(thrown);
      this.#warn(failure, family);
      return { ...report(0), failure };
    }
  }

  async #delete(
    family: IpFamily,
    due: ReadonlyMap<Destination, Due>,
    nodePortAddresses: NodePortAddresses,
  ): Promise<number> {
    const { conntrack, localAddresses } = this.#options;
    const addresses = new Set([...due.values()].map(({ address }) => address));
    const isNodePortAddress = addressMatcher(nodePortAddresses, addresses.has(undefined) ? localAddresses() : []);
    const [destination] = addresses.size === 1 ? addresses : [];
    const only = destination === undefined ? {} : { destination };
    const flows = await conntrack.list(family, (flow) => isStale(flow, due, isNodePortAddress), only);
    await conntrack.delete(family, flows);
    return flows.length;
  }

  #dueOf(family: IpFamily): Map<Destination, Due> {
    let due = this.#due.get(family);
    if (due === undefined) {
      due = new Map();
      this.#due.set(family, due);
    }
    return due;
  }

  /** Not what was noted while the cleaning was under way. */
  #forget(family: IpFamily, done: ReadonlyMap<Destination, Due>): void {
    const due = this.#dueOf(family);
    for (const [destination, entry] of done) if (due.get(destination) === entry) due.delete(destination);
  }

  #warn(error: SluiceError, family: IpFamily): void {
    this.#unavailable = error.code === 'command-missing' || error.code === 'permission-denied';
    if (error.message === this.#lastWarning) return;
    this.#lastWarning = error.message;
    const consequence = this.#unavailable ? 'they stay with endpoints that are gone' : 'they are tried again';
    this.#options.log.warn(`cannot delete stale UDP flows, ${consequence}: ${error.message}`, {
      family,
      code: error.code,
      hint: error.hint,
    });
  }
}

/** Does the flow go where it may not? `due` has the destinations to look into, no others are judged. */
function isStale(
  flow: Flow,
  due: ReadonlyMap<Destination, Due>,
  isNodePortAddress: (address: IpAddress) => boolean,
): boolean {
  const destination = socketAddress(flow.destination, flow.destinationPort);
  const own = due.get(destination);
  const found = own ?? due.get(destinationOf(undefined, flow.destinationPort));
  if (found === undefined) return false;
  const answerer = socketAddress(flow.replySource, flow.replySourcePort);
  const served = own !== undefined || isNodePortAddress(flow.destination);
  // A flow that was never translated has the destination itself as the answerer: stale where a Service is now (U4).
  if (served && found.wanted !== undefined) return !found.wanted.has(answerer);
  return answerer !== destination && found.lost.has(answerer) && found.wanted?.has(answerer) !== true;
}

/** Loopback addresses serve NodePorts only where it is asked for, and then all of them. */
export function addressMatcher(
  serving: NodePortAddresses,
  localAddresses: readonly string[],
): (address: IpAddress) => boolean {
  const addresses = new Set<string>(serving.kind === 'listed' ? serving.addresses : localAddresses);
  return (address) => (isLoopback(address) ? serving.loopback : addresses.has(address));
}
