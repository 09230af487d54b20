import { socketAddress } from '../../model/address.ts';
import type { ServicePlan, Target } from '../../compiler/plan.ts';

/**
 * A virtual server as lines of a member: first its flags, then its destinations, sorted. A destination is `10.244.1.7:8080` when
 * it is as we make them; whatever else there is about it follows after a blank.
 */
export type ServerLines = readonly [flags: string, ...destinations: string[]];

/** How ipvsadm spells a destination of ours, after its address: masquerading, weight 1. */
const USUAL = '-m -w 1';

/** The same when no new connection may go there. */
export const LEAVING = '-m -w 0';

export function serverLines(
  { affinityTimeoutS }: Pick<ServicePlan, 'affinityTimeoutS'>,
  scheduler: string,
  targets: readonly Target[],
): ServerLines {
  const persistence = affinityTimeoutS === undefined ? '' : ` -p ${affinityTimeoutS}`;
  // kube-proxy has the hash of `mh` look at the source port too.
  const hashing = scheduler === 'mh' ? ' -b mh-port' : '';
  const destinations = targets.map(({ address, port }) => socketAddress(address, port));
  return [`-s ${scheduler}${persistence}${hashing}`, ...destinations.toSorted()];
}

export function splitServer(lines: readonly string[]): {
  readonly flags: string;
  readonly destinations: ReadonlyMap<string, string>;
} {
  const [flags = '', ...destinations] = lines;
  return { flags, destinations: new Map(destinations.map(splitDestination)) };
}

/** Address and options: `-m -w 1` is what a destination has when its line says nothing. */
function splitDestination(line: string): [address: string, options: string] {
  const space = line.indexOf(' ');
  return space < 0 ? [line, USUAL] : [line.slice(0, space), line.slice(space + 1)];
}

/** The inverse of {@link splitDestination}. */
export function destinationLine(address: string, options: string): string {
  return options === USUAL ? address : `${address} ${options}`;
}
