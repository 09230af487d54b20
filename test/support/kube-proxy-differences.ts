import type { KubeProxyMode } from './kube-proxy-process.ts';
import { KUBE_PROXY_MODES } from './kube-proxy-process.ts';

/** Where sluice does something else than kube-proxy of the same mode, on purpose. */
export interface KnownDifference {
  readonly scenario: string;
  readonly modes: readonly KubeProxyMode[];
  /** Which packets of the scenario's first moment, as `describePacket` calls them; later ones never differ. */
  readonly packets: RegExp;
  /** `always`: all of these packets. `sometimes`: kube-proxy has no rule for it, so it depends on the order of its maps. */
  readonly occurs: 'always' | 'sometimes';
  readonly reason: string;
}

const OLDER_WINS = 'two Services claim one address and port: the older one has it; with kube-proxy either may';

/** README: "Where it differs from kube-proxy". What is not listed here is the same, packet by packet. */
const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    scenario: 'conflict-cluster-ip-as-external-ip',
    modes: KUBE_PROXY_MODES,
    packets: / web\.cluster-ip:80$/,
    occurs: 'sometimes',
    reason: OLDER_WINS,
  },
  {
    scenario: 'conflict-external-ip',
    modes: KUBE_PROXY_MODES,
    packets: / alpha\.external-ip:80$/,
    occurs: 'sometimes',
    reason: OLDER_WINS,
  },
  {
    scenario: 'conflict-node-port',
    modes: KUBE_PROXY_MODES,
    packets: / node:30080$/,
    occurs: 'sometimes',
    reason: OLDER_WINS,
  },
  {
    scenario: 'conflict-resolved',
    modes: KUBE_PROXY_MODES,
    packets: / alpha\.external-ip:80$/,
    occurs: 'sometimes',
    reason: OLDER_WINS,
  },
  {
    scenario: 'source-ranges-address-is-external-ip-too',
    modes: ['iptables'],
    packets: / (?:remote|pod-a|node) (?:tcp|udp) load-balancer:80$/,
    occurs: 'always',
    reason: "an address is both a load balancer's and an external IP: source ranges hold, as in nftables mode",
  },
];

/** What is known to differ in a scenario. */
export function knownDifference(scenario: string, mode: KubeProxyMode): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find((known) => known.scenario === scenario && known.modes.includes(mode));
}
