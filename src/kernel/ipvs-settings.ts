import { release as kernelRelease } from 'node:os';
import type { SettingOptions, SettingOutcome } from './sysctl.ts';
import { setSysctl } from './sysctl.ts';

/**
 * What kube-proxy sets for its ipvs mode (section 3.3.1 of the reference). IPVS keeps its connections known to conntrack, because
 * rules go by them; forgets those of destinations that are gone; and does not hold clients to one that is leaving. The settings
 * exist once the kernel has the module ip_vs. Never throws.
 *
 * @param settings `release`: of the kernel, by default of this one.
 */
export async function applyIpvsSettings(
  { strictArp, release = kernelRelease() }: { readonly strictArp: boolean; readonly release?: string },
  options?: SettingOptions,
): Promise<readonly SettingOutcome[]> {
  const wanted: readonly (readonly [string, number])[] = [
    ['net.ipv4.vs.conntrack', 1],
    ...(dropsReusedPorts(release) ? ([['net.ipv4.vs.conn_reuse_mode', 0]] as const) : []),
    ['net.ipv4.vs.expire_nodest_conn', 1],
    ['net.ipv4.vs.expire_quiescent_template', 1],
    ['net.ipv4.ip_forward', 1],
    // The addresses of Services are the node's own: without this it answers for them on every interface.
    ...(strictArp
      ? ([
          ['net.ipv4.conf.all.arp_ignore', 1],
          ['net.ipv4.conf.all.arp_announce', 2],
        ] as const)
      : []),
  ];
  const outcomes: SettingOutcome[] = [];
  for (const [name, value] of wanted) outcomes.push(await setSysctl(name, value, options));
  return outcomes;
}

/** From 4.1 on a client that used its port again waited a second, which 5.9 put right. */
function dropsReusedPorts(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const version = major * 1000 + minor;
  return version >= 4001 && version < 5009;
}
