import { endianness } from 'node:os';
import { SluiceError } from '../base/errors.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import { addressBytes } from '../model/address.ts';
import type { CommandRunner } from './command.ts';
import type { UdpFlow } from './conntrack-flow.ts';

/**
 * Deletes entries one by one by their exact tuple, as `conntrack` cannot: each of its deletions reads the whole table.
 * The messages are those of `linux/netfilter/nfnetlink_conntrack.h`; Node has no netlink sockets, so a Perl of a few
 * lines, which every Debian has, carries them to the kernel. It knows nothing of what it sends.
 */
const MESSENGER = [
  'socket(KERNEL, 16, 3, 12) or die "netlink socket: $!\\n";',
  'while (<STDIN>) {',
  '  chomp;',
  '  defined send(KERNEL, pack("H*", $_), 0) or die "netlink send: $!\\n";',
  '  while (defined recv(KERNEL, my $reply, 4096, 64)) { print -unpack("l", substr($reply, 16, 4)), "\\n" }',
  '}',
].join('\n');

const IPCTNL_MSG_CT_DELETE = 0x0102;
const NLM_F_REQUEST = 1;
const NESTED = 0x8000;
const ADDRESS_FAMILY = { IPv4: 2, IPv6: 10 } as const satisfies Record<IpFamily, number>;
const CTA_TUPLE_ORIG = 1;
const CTA_ID = 12;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
/** CTA_IP_V4_SRC or CTA_IP_V6_SRC; the destination is the number after it. */
const CTA_IP_SRC = { IPv4: 1, IPv6: 3 } as const satisfies Record<IpFamily, number>;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const IPPROTO_UDP = 17;

const ENOENT = 2;
const EPERM = 1;

const LITTLE = endianness() === 'LE';

function hostOrder(value: number, bytes: 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (LITTLE) buffer.writeUIntLE(value, 0, bytes);
  else buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function networkOrder(value: number, bytes: 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, 0, bytes);
  return buffer;
}

function attribute(type: number, value: Uint8Array): Buffer {
  const padding = Buffer.alloc(-value.length & 3);
  return Buffer.concat([hostOrder(4 + value.length, 2), hostOrder(type, 2), value, padding]);
}

function nested(type: number, attributes: readonly Buffer[]): Buffer {
  return attribute(type | NESTED, Buffer.concat(attributes));
}

/**
 * The message that deletes the entry. Without an acknowledgement, so that the kernel answers failures only. The identity
 * keeps it from deleting a successor that has the same tuple.
 */
export function encodeDeletion(family: IpFamily, flow: UdpFlow): Buffer {
  const bytes = (address: IpAddress): Uint8Array => Uint8Array.from(addressBytes(address));
  const tuple = nested(CTA_TUPLE_ORIG, [
    nested(CTA_TUPLE_IP, [
      attribute(CTA_IP_SRC[family], bytes(flow.source)),
      attribute(CTA_IP_SRC[family] + 1, bytes(flow.destination)),
    ]),
    nested(CTA_TUPLE_PROTO, [
      attribute(CTA_PROTO_NUM, Uint8Array.of(IPPROTO_UDP)),
      attribute(CTA_PROTO_SRC_PORT, networkOrder(flow.sourcePort, 2)),
      attribute(CTA_PROTO_DST_PORT, networkOrder(flow.destinationPort, 2)),
    ]),
  ]);
  const body = Buffer.concat([
    Buffer.of(ADDRESS_FAMILY[family], 0, 0, 0),
    tuple,
    attribute(CTA_ID, networkOrder(flow.id, 4)),
  ]);
  const header = [hostOrder(16 + body.length, 4), hostOrder(IPCTNL_MSG_CT_DELETE, 2), hostOrder(NLM_F_REQUEST, 2)];
  return Buffer.concat([...header, Buffer.alloc(8), body]);
}

export interface NetlinkOptions {
  readonly runner: CommandRunner;
  readonly family: IpFamily;
  readonly timeoutMs: number;
}

/**
 * Deletes the entries with one process, in microseconds each. Entries that have gone meanwhile are as good as deleted.
 *
 * @returns whether all are gone: not without Perl, or when kernel and Perl do not get on.
 * @throws {SluiceError} `permission-denied`, `command-failed`, `command-timeout`.
 */
export async function deleteByNetlink(
  flows: readonly UdpFlow[],
  { runner, family, timeoutMs }: NetlinkOptions,
): Promise<boolean> {
  const input = flows.map((flow) => `${encodeDeletion(family, flow).toString('hex')}\n`).join('');
  const result = await runner.run('perl', ['-e', MESSENGER], { input, timeoutMs }).catch((thrown: unknown) => {
    if (thrown instanceof SluiceError && thrown.code === 'command-missing') return undefined;
    throw thrown;
  });
  if (result === undefined || result.exitCode !== 0) return false;
  const errors = new Set(result.stdout.split('\n').map(Number));
  if (errors.has(EPERM)) {
    throw new SluiceError({
      code: 'permission-denied',
      message: 'the kernel does not let this process delete connection tracking entries',
      hint: 'the capability NET_ADMIN is needed',
      data: { family },
    });
  }
  return [...errors].every((errno) => errno === 0 || errno === ENOENT);
}
