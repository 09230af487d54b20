import type { Cidr, IpAddress } from '../../model/address.ts';
import { hostCidr, prefixLength } from '../../model/address.ts';
import type { PodDetector } from '../../compiler/plan.ts';

/**
 * The head of a rule in the order in which `iptables-save` prints it; every text here and in the callers is spelled as
 * the program prints it back, so that what is read equals what was written.
 */
export interface RuleHead {
  /** `10.0.0.0/8`, or `! 10.0.0.0/8`. */
  readonly source?: string;
  readonly destination?: string;
  readonly inInterface?: string;
  readonly protocol?: string;
}

function option(letter: string, value: string | undefined): string {
  if (value === undefined) return '';
  return value.startsWith('! ') ? `! -${letter} ${value.slice(2)} ` : `-${letter} ${value} `;
}

/** One rule without `-A CHAIN`. `rest`: matches and target, in order; empty texts are left out. */
export function rule(head: RuleHead, ...rest: readonly string[]): string {
  const start =
    option('s', head.source) +
    option('d', head.destination) +
    option('i', head.inInterface) +
    option('p', head.protocol);
  return start + rest.filter((part) => part !== '').join(' ');
}

/** The kernel's limit is 255 bytes. */
const COMMENT_LIMIT = 255;

/** A comment that cannot leave its quotes, whatever the text. */
export function comment(text: string): string {
  return `-m comment --comment "${text.replace(/[^ -~]|["'\\]/g, '_').slice(0, COMMENT_LIMIT)}"`;
}

export function destinationPort(protocol: string, port: number | string): string {
  return `-m ${protocol} --dport ${port}`;
}

export function host(address: IpAddress): string {
  return hostCidr(address);
}

/** How a rule recognises packets of pods: `undefined` stands for "all of them", which iptables prints as nothing. */
export function podMatch(detector: PodDetector): RuleHead {
  switch (detector.kind) {
    case 'cidr':
      return matchesAll(detector.cidr) ? {} : { source: detector.cidr };
    case 'bridge':
      return { inInterface: detector.interfaceName };
    case 'interface-prefix':
      return { inInterface: `${detector.prefix}+` };
  }
}

/** The opposite of {@link podMatch}; `undefined` when no packet is left. */
export function notPodMatch(detector: PodDetector): RuleHead | undefined {
  const { source, inInterface } = podMatch(detector);
  if (source !== undefined) return { source: `! ${source}` };
  return inInterface === undefined ? undefined : { inInterface: `! ${inInterface}` };
}

function matchesAll(cidr: Cidr): boolean {
  return prefixLength(cidr) === 0;
}

const STATISTIC_UNIT = 2 ** 31;

/**
 * Takes one of `n` packets. The kernel counts in units of 2^-31 and iptables prints 11 decimals of the result. The bias breaks
 * the one tie there is (n = 4096) as C does, to the even digit.
 */
export function oneOf(n: number): string {
  if (n === 1) return '';
  const probability = (Math.round(STATISTIC_UNIT / n) - 2 ** -20) / STATISTIC_UNIT;
  return `-m statistic --mode random --probability ${probability.toFixed(11)}`;
}
