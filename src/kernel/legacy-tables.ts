import type { IpFamily } from '../model/address.ts';
import type { CommandRunner } from './command.ts';
import type { OutlineOptions } from './outlines.ts';
import { OUTLINE_PERIOD_MS, watchOutlines } from './outlines.ts';
import type { RuleWatch } from './rule-events.ts';

/**
 * Asks for the entries of tables of the legacy variant (IPT_SO_GET_INFO says how many bytes they are, IPT_SO_GET_ENTRIES hands
 * them out) and prints a sum of each table: of everything but the packet counters, and in which the order counts. Arguments:
 * number of the system call, socket family, level of the option; where in an entry the length of it is, where what only the
 * kernel uses begins and where its matches do; tables. Perl's own getsockopt hands nothing in.
 */
const OUTLINES = String.raw`
my ($call, $family, $level, $length, $private, $matches, @tables) = @ARGV;
# What was never used as a number would be handed to the kernel as a string.
$_ += 0 for $call, $family, $level;
socket(my $socket, $family, 2, 0) or die "socket: $!\n";
for my $name (@tables) {
  my $info = pack("a32 x52", $name);
  syscall($call, fileno($socket), $level, 64, $info, my $size = pack("l", 84)) == 0 or die "table $name: $!\n";
  my $bytes = unpack("x80 L", $info);
  my $table = pack("a32 L x4 x$bytes", $name, $bytes);
  syscall($call, fileno($socket), $level, 65, $table, $size = pack("l", 40 + $bytes)) == 0 or die "table $name: $!\n";
  my $sum = 0;
  for (my $at = 40; $at < length $table; ) {
    my $next = unpack("S", substr($table, $at + $length, 2)) or last;
    my $entry = substr($table, $at, $private) . substr($table, $at + $matches, $next - $matches);
    # Perl adds up words much faster than it loops over them; the second sum is of neighbours, so that their order counts.
    my $words = unpack("%32L*", $entry) + 17 * unpack("%32L*", $entry ^ substr($entry, 4));
    $sum = ($sum * 31 + $words) % 4294967291;
    $at += $next;
  }
  print "$name $bytes $sum\n";
}
`;

/** AF_INET and SOL_IP, AF_INET6 and SOL_IPV6; then next_offset, comefrom and elems of struct ipt_entry and ip6t_entry. */
const SOCKET = {
  IPv4: ['2', '0', '90', '92', '112'],
  IPv6: ['10', '41', '142', '144', '168'],
} as const satisfies Record<IpFamily, readonly string[]>;

const GETSOCKOPT: Readonly<Record<string, string>> = { x64: '55', arm64: '209' };

export interface LegacyTablesOptions extends OutlineOptions {
  readonly tables: readonly string[];
  readonly runner: CommandRunner;
}

/** Watches tables of the legacy variant, which notifies nobody. */
export function watchLegacyTables(options: LegacyTablesOptions): RuleWatch {
  return watchOutlines({ ...options, outline: (family) => outlineOf(family, options) });
}

async function outlineOf(family: IpFamily, { runner, tables }: LegacyTablesOptions): Promise<string> {
  const call = GETSOCKOPT[process.arch];
  if (call === undefined) return '';
  const args = ['-e', OUTLINES, call, ...SOCKET[family], ...tables];
  const { exitCode, stdout } = await runner.run('perl', args, { timeoutMs: OUTLINE_PERIOD_MS });
  return exitCode === 0 ? stdout : '';
}
