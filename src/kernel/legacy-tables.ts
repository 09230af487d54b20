import type { Clock } from '../base/clock.ts';
import type { IpFamily } from '../model/address.ts';
import type { CommandRunner } from './command.ts';
import type { OwnProcesses } from './own-processes.ts';
import type { OnForeignWrite, RuleWatch } from './rule-events.ts';

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

/** kube-proxy looks for its canary chains as often. */
const PERIOD_MS = 30_000;

export interface LegacyTablesOptions {
  readonly tables: readonly string[];
  readonly families: readonly IpFamily[];
  readonly runner: CommandRunner;
  readonly own: OwnProcesses;
  readonly clock: Clock;
  readonly onForeignWrite: OnForeignWrite;
}

/**
 * Watches tables of the legacy variant, which notifies nobody: every half minute their outline is compared with the one
 * before. After changes of our own it says nothing about others, so they count as a suspicion too. A rule that was replaced by
 * one of the same size does not show.
 */
export function watchLegacyTables(options: LegacyTablesOptions): RuleWatch {
  const watch = new LegacyTables(options);
  watch.start();
  return watch;
}

class LegacyTables implements RuleWatch {
  readonly #options: LegacyTablesOptions;
  readonly #known = new Map<IpFamily, string>();
  #ownWrites: number;
  #cancel: (() => void) | undefined;
  #look: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: LegacyTablesOptions) {
    this.#options = options;
    this.#ownWrites = options.own.started;
  }

  start(): void {
    this.#look = this.#compare();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#look;
  }

  async #compare(): Promise<void> {
    const { families, own, clock, onForeignWrite } = this.#options;
    const written = own.started !== this.#ownWrites;
    this.#ownWrites = own.started;
    for (const family of families) {
      const outline = await this.#outline(family);
      const known = this.#known.get(family);
      this.#known.set(family, outline);
      if (this.#stopped) return;
      if (known !== undefined && (written || outline !== known || outline === '')) onForeignWrite(family, 'somebody');
    }
    this.#cancel = clock.after(PERIOD_MS, () => this.start());
  }

  /** Empty where it cannot be had; then every look is a suspicion. */
  async #outline(family: IpFamily): Promise<string> {
    const { runner, tables } = this.#options;
    const call = GETSOCKOPT[process.arch];
    if (call === undefined) return '';
    const args = ['-e', OUTLINES, call, ...SOCKET[family], ...tables];
    const result = await runner.run('perl', args, { timeoutMs: PERIOD_MS }).catch(() => undefined);
    return result?.exitCode === 0 ? result.stdout : '';
  }
}
