import { SluiceError } from '../../base/errors.ts';
import { commandIn } from '../../lab/in-namespace.ts';
import { LineDialog } from '../../lab/line-dialog.ts';
import { SERVICE_PORT } from './workload.ts';

/**
 * Perl, because what measures is not to take a core from what is measured. The handshake is over in a fraction of a millisecond
 * here, so what takes longer than one meets nobody; its packet would be repeated after a second, whatever the rules are by then.
 * That nobody answers any more is believed after five such connections, and dates from the beginning of the first. Connections end
 * with a reset, so that no port stays in TIME_WAIT.
 */
const ASK = String.raw`
use strict; use warnings; use Errno; use Fcntl; use Socket; use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);
$| = 1;
my ($linger, $read_patience, $connect_patience, $enough) = (pack('ii', 1, 0), pack('l!l!', 0, 20_000), 0.001, 5);
sub ask {
  my ($to) = @_;
  socket(my $socket, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
  setsockopt($socket, SOL_SOCKET, SO_LINGER, $linger) or die "SO_LINGER: $!\n";
  setsockopt($socket, SOL_SOCKET, SO_RCVTIMEO, $read_patience) or die "SO_RCVTIMEO: $!\n";
  my $flags = fcntl($socket, F_GETFL, 0) or die "F_GETFL: $!\n";
  fcntl($socket, F_SETFL, $flags | O_NONBLOCK) or die "F_SETFL: $!\n";
  unless (connect($socket, $to)) {
    return 'refused' unless $!{EINPROGRESS};
    my $writable = '';
    vec($writable, fileno($socket), 1) = 1;
    return 'lost' unless select(undef, $writable, undef, $connect_patience);
    return 'refused' if unpack('i', getsockopt($socket, SOL_SOCKET, SO_ERROR));
  }
  fcntl($socket, F_SETFL, $flags & ~O_NONBLOCK) or die "F_SETFL: $!\n";
  my $answer = '';
  1 while sysread($socket, $answer, 64, length $answer);
  return $answer eq '' ? 'silent' : $answer;
}
while (my $line = <STDIN>) {
  my ($address, $port, $wanted, $timeout_ms, $pause_us) = split ' ', $line;
  my $to = pack_sockaddr_in($port, inet_aton($address));
  my $deadline = clock_gettime(CLOCK_MONOTONIC) + $timeout_ms / 1000;
  my ($lost, $lost_since, %count) = (0, 0);
  while (1) {
    my $before = clock_gettime(CLOCK_MONOTONIC);
    my $answer = ask($to);
    my $at = clock_gettime(CLOCK_MONOTONIC);
    $count{$answer}++;
    $lost = $answer eq 'lost' ? $lost + 1 : 0;
    $lost_since = $before if $lost == 1;
    $answer = 'nobody' if $answer eq 'refused';
    ($answer, $at) = ('nobody', $lost_since) if $lost == $enough;
    if ($answer eq $wanted || $at > $deadline) {
      printf "%.3f %s %s\n", $at * 1000, $answer, join ' ', map { "$_=$count{$_}" } sort keys %count;
      last;
    }
    usleep($pause_us);
  }
}
`;

const START_MS = 20_000;

/** Connections are refused, or lead nowhere: what is done with addresses that no Service has depends on cluster and proxy. */
export const NOBODY = 'nobody';

export interface Question {
  /** Of a Service. */
  readonly address: string;
  /** The address of an endpoint, or {@link NOBODY}. */
  readonly by: string;
  readonly timeoutMs: number;
  /** Between two connections. Default {@link PAUSE_MS}. */
  readonly pauseMs?: number;
}

const PAUSE_MS = 0.2;

/** Asks Services who answers, from a network namespace. */
export class Prober {
  readonly #dialog: LineDialog;

  private constructor(dialog: LineDialog) {
    this.#dialog = dialog;
  }

  static async start(netns: string): Promise<Prober> {
    return new Prober(await LineDialog.start(`client in ${netns}`, commandIn(netns, ['perl', '-e', ASK])));
  }

  /**
   * Connects again and again until the one who is wanted answers.
   *
   * @returns when the answer was there, milliseconds of the machine's clock.
   * @throws {SluiceError} `lab-failed` when somebody else still answers after the time.
   */
  async untilAnswered({ address, by, timeoutMs, pauseMs = PAUSE_MS }: Question): Promise<number> {
    const question = [address, SERVICE_PORT, by, timeoutMs, Math.round(pauseMs * 1000)].join(' ');
    const reply = await this.#dialog.ask(question, timeoutMs + START_MS);
    const [atMs = '', answer = '', ...counts] = reply.split(' ');
    if (answer === by) return Number(atMs);
    throw new SluiceError({
      code: 'lab-failed',
      message: `${address} is not answered by ${by} within ${timeoutMs / 1000} s: ${counts.join(', ')}`,
    });
  }

  stop(): Promise<void> {
    return this.#dialog.stop();
  }
}
