import type {
  Action,
  AddressFrontend,
  Frontend,
  PodDetector,
  PoolName,
  ServicePlan,
  Verdict,
} from '../../compiler/plan.ts';
import type { Piece } from '../assembly.ts';
import { objectId } from '../xtables/names.ts';
import { CHAINS, serviceChain, variantChain } from './names.ts';
import { poolChain } from './pools.ts';
import type { RuleHead } from '../xtables/text.ts';
import { comment, destinationPort, host, notPodMatch, podMatch, rule } from '../xtables/text.ts';

/** Does any packet for the destination reach an endpoint? */
export function forwards({ pod, node, outside }: Verdict): boolean {
  return [pod, node, outside].some((action) => action.kind === 'forward');
}

/** `-d ADDRESS -p PROTOCOL … --dport PORT` of a destination with an address of its own. */
export function destinationRule(
  service: ServicePlan,
  frontend: AddressFrontend,
  more: { readonly head?: RuleHead; readonly text: string; readonly target: string },
): string {
  const head = { ...more.head, destination: host(frontend.address), protocol: service.protocol };
  return rule(head, comment(more.text), destinationPort(service.protocol, frontend.port), more.target);
}

/** How a frontend that leads to one pool enters its chain, where no chain in between is needed. */
export interface DirectEntry {
  readonly pool: PoolName;
  /** The rules that the pool's chain starts with: whose connections are masqueraded (rules M1 to M3). */
  readonly masquerade: readonly string[];
}

/** ClusterIPs are direct: one pool for all, and a masquerade that asks at most whether a pod is talking. */
export function directEntry(
  service: ServicePlan,
  frontend: Frontend,
  detector: PodDetector | undefined,
): DirectEntry | undefined {
  const { pod, node, outside } = frontend.verdict;
  if (frontend.kind !== 'cluster-ip') return undefined;
  if (pod.kind !== 'forward' || node.kind !== 'forward' || outside.kind !== 'forward') return undefined;
  if (pod.pool !== node.pool || pod.pool !== outside.pool || node.masquerade !== outside.masquerade) return undefined;
  const mark = (head: RuleHead): string =>
    destinationRule(service, frontend, { head, text: `${service.name} cluster IP`, target: `-j ${CHAINS.markMasq}` });
  if (pod.masquerade === node.masquerade) {
    return { pool: pod.pool, masquerade: pod.masquerade ? [mark({})] : [] };
  }
  if (pod.masquerade || detector === undefined) return undefined;
  const others = notPodMatch(detector);
  return { pool: pod.pool, masquerade: others === undefined ? [] : [mark(others)] };
}

/** The chain that asks who is talking before it hands over to a pool; its rules are those of kube-proxy's `KUBE-EXT-`. */
export function entryPiece(service: ServicePlan, chain: string, by: EntryFacts): Piece {
  return { object: objectId('nat', chain), key: '', lines: entryLines(service, by) };
}

export interface EntryFacts {
  readonly verdict: Verdict;
  readonly detector: PodDetector | undefined;
}

/** Equal verdicts share a chain. There is one as a rule, since traffic policy is a property of the Service. */
export function entryChain(service: ServicePlan, verdicts: readonly Verdict[], verdict: Verdict): string {
  const text = JSON.stringify(verdict);
  const isFirst = verdicts[0] !== undefined && JSON.stringify(verdicts[0]) === text;
  return isFirst ? serviceChain('KUBE-EXT-', service) : variantChain('KUBE-EXT-', service, text);
}

const FROM_NODE = '-m addrtype --src-type LOCAL';

function entryLines(service: ServicePlan, { verdict, detector }: EntryFacts): readonly string[] {
  const about = (what: string): string => comment(`${what} ${service.name} external destinations`);
  const { pod, node, outside } = verdict;
  const last = [
    ...(isMasqueraded(outside) ? [rule({}, about('masquerade traffic for'), `-j ${CHAINS.markMasq}`)] : []),
    ...(outside.kind === 'forward' ? [`-j ${poolChain(service, outside.pool)}`] : []),
  ];
  if (sameAction(pod, outside) && sameAction(node, outside)) return last;
  const podHead = detector === undefined ? undefined : podMatch(detector);
  const pods =
    podHead === undefined
      ? []
      : [
          ...(isMasqueraded(pod) ? [rule(podHead, about('masquerade pod traffic for'), `-j ${CHAINS.markMasq}`)] : []),
          rule(podHead, about('pod traffic for'), targetOf(service, pod)),
        ];
  const nodes = [
    ...(isMasqueraded(node)
      ? [rule({}, about('masquerade LOCAL traffic for'), FROM_NODE, `-j ${CHAINS.markMasq}`)]
      : []),
    rule({}, about('route LOCAL traffic for'), FROM_NODE, targetOf(service, node)),
  ];
  return [...pods, ...nodes, ...last];
}

/** What is not forwarded leaves the nat table as it came; the filter table has the last word on it. */
function targetOf(service: ServicePlan, action: Action): string {
  return action.kind === 'forward' ? `-j ${poolChain(service, action.pool)}` : '-j RETURN';
}

function isMasqueraded(action: Action): boolean {
  return action.kind === 'forward' && action.masquerade;
}

function sameAction(a: Action, b: Action): boolean {
  if (a.kind !== 'forward' || b.kind !== 'forward') return a.kind === b.kind;
  return a.pool === b.pool && a.masquerade === b.masquerade;
}
