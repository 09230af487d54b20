import { SluiceError } from '../../base/errors.ts';
import { commandIn } from '../../lab/in-namespace.ts';
import { LineDialog } from '../../lab/line-dialog.ts';

/** What one batch of connections to one target took. */
export interface Batch {
  /** Of `connect` alone, microseconds, one per connection. */
  readonly latenciesUs: readonly number[];
  /** Connections made and closed per second, one after the other. */
  readonly perSecond: number;
}

/**
 * Perl, because an event loop takes five times as long as the kernel for a connection, and its garbage collector longer than what is
 * to be seen. Connections end with a reset, so that no port stays in TIME_WAIT.
 */
const CONNECT = String.raw`
use strict; use warnings; use Socket; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
$| = 1;
my ($linger, $patience) = (pack('ii', 1, 0), pack('l!l!', 2, 0));
while (my $line = <STDIN>) {
  my ($count, @targets) = split ' ', $line;
  my @batches;
  TARGET: for my $target (@targets) {
    my ($address, $port) = split /:/, $target;
    my $to = pack_sockaddr_in($port, inet_aton($address));
    my @taken;
    my $start = clock_gettime(CLOCK_MONOTONIC);
    for (1 .. $count) {
      socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
      setsockopt($socket, SOL_SOCKET, SO_LINGER, $linger) or die "SO_LINGER: $!\n";
      setsockopt($socket, SOL_SOCKET, SO_SNDTIMEO, $patience) or die "SO_SNDTIMEO: $!\n";
      my $before = clock_gettime(CLOCK_MONOTONIC);
      connect($socket, $to) or do { @batches = ("cannot connect to $target: $!"); last TARGET; };
      push @taken, clock_gettime(CLOCK_MONOTONIC) - $before;
      close $socket;
    }
    my $elapsed = clock_gettime(CLOCK_MONOTONIC) - $start;
    push @batches, join ' ', map { sprintf '%.1f', $_ * 1e6 } $elapsed, @taken;
  }
  print join(';', @batches), "\n";
}
`;

/** A batch of many connections, and the start of a program. */
const ANSWER_MS = 60_000;

/** Makes connections from a network namespace, one after the other. */
export class Connector {
  readonly #dialog: LineDialog;

  private constructor(dialog: LineDialog) {
    this.#dialog = dialog;
  }

  static async start(netns: string): Promise<Connector> {
    return new Connector(await LineDialog.start(`client in ${netns}`, commandIn(netns, ['perl', '-e', CONNECT])));
  }

  /**
   * `count` connections to each target (`10.96.0.1:80`), target after target.
   *
   * @returns a batch per target, in their order.
   * @throws {SluiceError} `lab-failed` when a connection does not come about.
   */
  async connect(targets: readonly string[], count: number): Promise<readonly Batch[]> {
    return parseBatches(await this.#dialog.ask([count, ...targets].join(' '), ANSWER_MS));
  }

  stop(): Promise<void> {
    return this.#dialog.stop();
  }
}

/** Reads the client's answer: `elapsed latency latency …;elapsed …`, microseconds, or what went wrong. */
export function parseBatches(line: string): readonly Batch[] {
  return line.split(';').map((text) => {
    const [elapsedUs = Number.NaN, ...latenciesUs] = text.split(' ').map(Number);
    if (Number.isNaN(elapsedUs)) throw new SluiceError({ code: 'lab-failed', message: line });
    return { latenciesUs, perSecond: (latenciesUs.length * 1e6) / elapsedUs };
  });
}
