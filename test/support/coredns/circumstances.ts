import type { DnsReply } from './message.ts';

/** What is known about a question besides the reply to it. Replies are {@link normal}. */
export interface Circumstances {
  /** In lower case, without the final dot. */
  readonly name: string;
  /** `A`, `TYPE65`. */
  readonly type: string;
  /** Labels below the cluster's zone; none elsewhere. */
  readonly labels: readonly string[];
  /** What CoreDNS says to another question, where that was asked too. */
  readonly coredns: (name: string, type: string) => DnsReply | undefined;
  /** The same, with all differences. */
  readonly expected: (name: string, type: string) => DnsReply | undefined;
  /** Does the cluster's zone have anything by this name, or below it? */
  readonly exists: (name: string) => boolean;
  /** The SOA record of the cluster's zone, without owner; its last figure is the TTL of all records. */
  readonly authority: string;
  readonly peculiar: Peculiarities;
}

/** What the two do not find in the same objects. */
export interface Peculiarities {
  /** Endpoints with an IPv6 address in other than its canonical spelling. */
  readonly misspelt: readonly MisspeltEndpoint[];
  /** Names of pods by IPv6 addresses that are not their first, with these. */
  readonly podNames: ReadonlyMap<string, string>;
  /** Names below Services that are made of host names. */
  readonly hostNames: ReadonlySet<string>;
}

export interface MisspeltEndpoint {
  /** `default/db` */
  readonly service: string;
  /** The address with dashes, as the slice has it, and as it should be. */
  readonly written: string;
  readonly canonical: string;
  readonly reverse: string;
  /** What its PTR record says. */
  readonly target: string;
}
