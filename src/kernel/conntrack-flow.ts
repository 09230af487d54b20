import type { IpAddress } from '../model/address.ts';

/** One UDP entry of the connection tracking table. */
export interface UdpFlow {
  /** The client, as its first packet had it. */
  readonly source: IpAddress;
  readonly sourcePort: number;
  /** Where the client sends to, before any translation. */
  readonly destination: IpAddress;
  readonly destinationPort: number;
  /** Who answers: the endpoint when the destination is translated, else the destination itself. */
  readonly replySource: IpAddress;
  readonly replySourcePort: number;
  /** Where answers go to: the client, or who masquerades it. */
  readonly replyDestination: IpAddress;
  readonly replyDestinationPort: number;
  /** The kernel's number for the entry. */
  readonly id: number;
}

/** `packets=` and `bytes=` are there with nf_conntrack_acct; an offloaded entry has no timeout. */
const FLOW =
  /^udp +17 (?:\d+ )?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) (?:packets=\d+ bytes=\d+ )?(?:\[UNREPLIED\] )?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*\bid=(\d+)/;

/**
 * Reads a line of `conntrack -L -o id`.
 *
 * @returns `undefined` for what is no UDP entry, and for entries of a conntrack zone: no rule of ours makes those.
 */
export function parseFlow(line: string): UdpFlow | undefined {
  const match = FLOW.exec(line);
  if (match === null || line.includes(' zone')) return undefined;
  const [, source, destination, sourcePort, destinationPort, ...reply] = match;
  const [replySource, replyDestination, replySourcePort, replyDestinationPort, id] = reply;
  return {
    // The C library writes addresses as the model does.
    source: source as IpAddress,
    sourcePort: Number(sourcePort),
    destination: destination as IpAddress,
    destinationPort: Number(destinationPort),
    replySource: replySource as IpAddress,
    replySourcePort: Number(replySourcePort),
    replyDestination: replyDestination as IpAddress,
    replyDestinationPort: Number(replyDestinationPort),
    id: Number(id),
  };
}
