import type { Clock } from '../base/clock.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { IpFamily } from '../model/address.ts';
import type { OwnProcesses } from './own-processes.ts';
import type { LineProcess } from './process.ts';
import { startLineProcess } from './process.ts';

/**
 * Listens to the kernel's notifications about nftables (which the nf_tables variant of iptables writes to as well). Node has
 * no netlink sockets, so it is a Perl, which every Debian has. It is told on standard input which senders to ignore, and a
 * socket filter keeps their notifications away from it: our own changes wake nobody. Of the others it remembers which of
 * our objects (first argument: a pattern for `ip sluice` or `ip nat KUBE-SERVICES`) a transaction touched, and says so when
 * the new generation is announced: `changed FAMILIES SENDER PROCESS NAME`.
 */
const LISTENER = String.raw`
use strict; $| = 1;
my ($ours, @own) = @ARGV;
socket(my $kernel, 16, 3, 12) or die "netlink socket: $!\n";
setsockopt($kernel, 1, 33, pack("l", 8 << 20)) or setsockopt($kernel, 1, 8, pack("l", 8 << 20));
sub ignore {
  my @code = pack("SCCL", 0x20, 0, 0, 12);
  push @code, pack("SCCL", 0x15, @own - $_, 0, unpack("N", pack("L", $own[$_]))) for 0 .. $#own;
  push @code, pack("SCCL", 6, 0, 0, 0xffffffff), pack("SCCL", 6, 0, 0, 0);
  my $code = join "", @code;
  setsockopt($kernel, 1, 26, pack("S x![P] P", scalar @code, $code)) or die "socket filter: $!\n";
}
ignore();
bind($kernel, pack("SSLL", 16, 0, 0, 1 << 6)) or die "netlink group: $!\n";
print "ready\n";
my (%touched, $told);
for (;;) {
  my $ready = "";
  vec($ready, fileno($_), 1) = 1 for \*STDIN, $kernel;
  next if select($ready, undef, undef, undef) < 0;
  if (vec($ready, fileno(STDIN), 1)) {
    sysread(STDIN, $told, 4096, length $told) or exit;
    while ($told =~ s/^(\d+)\n//) { push @own, $1; shift @own if @own > 32 }
    ignore();
  }
  next unless vec($ready, fileno($kernel), 1);
  my $data;
  if (!defined recv($kernel, $data, 1 << 20, 64)) { print "lost\n" unless $! == 11; %touched = (); next }
  for (my $at = 0; $at + 20 <= length $data;) {
    my ($size, $type, $sender) = unpack("L S x6 L", substr($data, $at, 16));
    my $family = { 2, "ip", 10, "ip6" }->{ord substr($data, $at + 16, 1)};
    my %text;
    for (my ($a, $end) = ($at + 20, $at + $size); $a + 4 <= $end;) {
      my ($length, $name) = unpack("SS", substr($data, $a, 4));
      last if $length < 4 or $name > 3;
      $text{$name} = substr($data, $a + 4, $length - 4);
      $a += ($length + 3) & ~3;
    }
    my $kind = $type & 255;
    if ($kind == 15) {
      printf "changed %s %d %d %s\n", join(",", sort keys %touched), $sender, unpack("N", $text{2}), unpack("Z*", $text{3})
        if %touched;
      %touched = ();
    } elsif ($family) {
      my $object = "$family " . unpack("Z*", $text{1});
      $object .= " " . unpack("Z*", $text{$kind < 6 ? 3 : 2}) if $kind > 2 and $kind < 9;
      $touched{$family} = 1 if $object =~ $ours;
    }
    $at += ($size + 3) & ~3;
  }
}
`;

const FAMILY: Readonly<Record<string, IpFamily>> = { ip: 'IPv4', ip6: 'IPv6' };

/** After the listener died. */
const RESTART_MS = 5000;

/** Is told that somebody else wrote to rules of ours, or may have. `who` is for people: `nft (process 123)`. */
export type OnForeignWrite = (family: IpFamily, who: string) => void;

/** Something that goes on until it is stopped. */
export interface RuleWatch {
  stop(): Promise<void>;
}

export interface RuleEventsOptions {
  /** A Perl pattern for what is ours: `ip sluice`, `ip nat`, `ip nat KUBE-SERVICES`. */
  readonly ours: string;
  readonly own: OwnProcesses;
  readonly families: readonly IpFamily[];
  readonly onForeignWrite: OnForeignWrite;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Watches nftables for changes by others. Where that is not possible (no Perl), says so once; the verification every so often
 * is what remains then.
 */
export async function watchRuleEvents(options: RuleEventsOptions): Promise<RuleWatch> {
  const events = new RuleEvents(options);
  await events.start();
  return events;
}

class RuleEvents implements RuleWatch {
  readonly #options: RuleEventsOptions;
  #listener: LineProcess | undefined;
  #ready = false;
  #stopped = false;
  readonly #ignoreNoMore: () => void;
  #cancelRestart: (() => void) | undefined;

  constructor(options: RuleEventsOptions) {
    this.#options = options;
    // A listener that died tells by its end.
    this.#ignoreNoMore = options.own.onAdd((pid) => void this.#listener?.writeLine(`${pid}`).catch(() => undefined));
  }

  async start(): Promise<void> {
    const { ours, own, log } = this.#options;
    try {
      const args = ['-e', LISTENER, ours, ...own.pids.map(String)];
      const listener = await startLineProcess({ file: 'perl', args, onLine: (line) => this.#hear(line) });
      this.#listener = listener;
      void listener.ended.then(() => this.#ended(listener.stderrTail()));
      if (this.#stopped) await listener.stop();
    } catch (thrown) {
      log.info(`changes of rules by others show at the next verification only: ${toSluiceError(thrown).message}`);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ignoreNoMore();
    this.#cancelRestart?.();
    await this.#listener?.stop();
  }

  #hear(line: string): void {
    const { own, families, onForeignWrite } = this.#options;
    const [what, changed = '', sender = '', pid = '', ...name] = line.split(' ');
    if (what === 'ready') {
      // Nobody was listening before.
      if (this.#ready) for (const family of families) onForeignWrite(family, 'somebody');
      else this.#options.log.debug('listening for changes of rules by others');
      this.#ready = true;
    } else if (what === 'lost') {
      for (const family of families) onForeignWrite(family, 'somebody');
    } else if (!own.has(Number(sender))) {
      for (const word of changed.split(',')) {
        const family = FAMILY[word];
        if (family !== undefined && families.includes(family))
          onForeignWrite(family, `${name.join(' ')} (process ${pid})`);
      }
    }
  }

  #ended(complaint: string): void {
    const { clock, log } = this.#options;
    this.#listener = undefined;
    if (this.#stopped) return;
    if (!this.#ready) {
      log.info(`changes of rules by others show at the next verification only: ${complaint}`);
      return;
    }
    log.debug(`the listener for changes of rules ended, it is started again: ${complaint}`);
    this.#cancelRestart = clock.after(RESTART_MS, () => void this.start());
  }
}
