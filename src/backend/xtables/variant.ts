import type { IpFamily } from '../../model/address.ts';

/** Two kernel interfaces with one rule language; rules of one are invisible to the other. */
export const VARIANTS = ['nf_tables', 'legacy'] as const;

export type Variant = (typeof VARIANTS)[number];

/** A set of programs for one variant. */
export interface Programs {
  readonly variant: Variant;
  readonly version: string;
  /** Between `iptables` and `-save`: `-nft`, `-legacy`, or nothing. */
  readonly infix: string;
}

/** Where to look; the plain names last, because they can be either. */
export const INFIXES = ['-nft', '-legacy', ''] as const;

export function programName(
  family: IpFamily,
  { infix }: Pick<Programs, 'infix'>,
  action: '' | '-save' | '-restore',
): string {
  return `${family === 'IPv4' ? 'iptables' : 'ip6tables'}${infix}${action}`;
}

/** `iptables v1.8.9 (nf_tables)`; before 1.8 there was one variant, and no word for it. */
export function parseVersion(infix: string, stdout: string): Programs | undefined {
  const [, version, word] = /^\S+ v([\d.]+)(?: \((\w+)\))?/.exec(stdout) ?? [];
  if (version === undefined) return undefined;
  return { infix, version, variant: word === 'nf_tables' ? 'nf_tables' : 'legacy' };
}

/** Chains that kubelet makes so that others see which variant the node uses (KEP-3178, and the canary before it). */
const KUBELET_HINT = /^:(?:KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) /m;

export function hasKubeletHint(save: string): boolean {
  return KUBELET_HINT.test(save);
}
