import type { IpFamily } from '../model/address.ts';
import type { CommandRunner } from './command.ts';
import type { OutlineOptions } from './outlines.ts';
import { OUTLINE_PERIOD_MS, watchOutlines } from './outlines.ts';
import type { RuleWatch } from './rule-events.ts';

/**
 * Asks for the outline of tables of the legacy variant (IPT_SO_GET_INFO: where the chains of each hook begin, how many
 * entries, how many bytes), which costs the same whatever is in them. Arguments: number of the system call, socket family,
 * level of the option, tables. Perl's own getsockopt hands nothing in.
 */
const OUTLINES = String.raw`
my ($call, $family, $level, @tables) = @ARGV;
# What was never used as a number would be handed to the kernel as a string.
$_ += 0 for $call, $family, $level;
socket(my $socket, $family, 2, 0) or die "socket: $!\n";
for (@tables) {
  my $name = pack("a32 x52", $_);
  syscall($call, fileno($socket), $level, 64, $name, my $size = pack("l", 84)) == 0 or die "table $_: $!\n";
  print unpack("H*", $name), "\n";
}
`;

const SOCKET = { IPv4: ['2', '0'], IPv6: ['10', '41'] } as const satisfies Record<IpFamily, readonly string[]>;

const GETSOCKOPT: Readonly<Record<string, string>> = { x64: '55', arm64: '209' };

export interface LegacyTablesOptions extends OutlineOptions {
  readonly tables: readonly string[];
  readonly runner: CommandRunner;
}

/** Watches tables of the legacy variant, which notifies nobody. A rule that was replaced by one of the same size does not show. */
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
