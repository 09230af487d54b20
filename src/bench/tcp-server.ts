import { LineDialog } from '../lab/line-dialog.ts';

/** Perl: one that is as fast as the kernel, and takes next to nothing from what is measured. */
const SERVE = String.raw`
use strict; use warnings; use Socket;
$| = 1;
my ($address, $port, $greeting) = split ' ', <STDIN>;
socket(my $server, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!\n";
bind($server, pack_sockaddr_in($port, inet_aton($address))) or die "bind: $!\n";
listen($server, 4096) or die "listen: $!\n";
$SIG{PIPE} = 'IGNORE';
print "ready\n";
# Whoever started this may end without a word: then the input ends.
my ($wanted, $input) = ('', fileno STDIN);
vec($wanted, $_, 1) = 1 for $input, fileno $server;
while (select(my $ready = $wanted, undef, undef, undef)) {
  last if vec($ready, $input, 1);
  accept(my $client, $server) or next;
  syswrite $client, $greeting if defined $greeting;
  close $client;
}
`;

const START_MS = 20_000;

export interface TcpServerOptions {
  /** For messages. */
  readonly name: string;
  /** IPv4; 0.0.0.0 for all of the namespace. */
  readonly address: string;
  readonly port: number;
  /** Said to everybody: one word. Without it connections are only taken and closed. */
  readonly greeting?: string;
  /** The command that runs another one where the server is to be; default: here. */
  readonly place?: (argv: readonly string[]) => [string, ...string[]];
}

/** Starts a server that is ready when this resolves. @throws {SluiceError} `lab-failed`, `command-missing`. */
export async function startTcpServer(options: TcpServerOptions): Promise<{ stop(): Promise<void> }> {
  const { name, address, port, greeting = '', place = ([first = '', ...rest]) => [first, ...rest] } = options;
  const dialog = await LineDialog.start(name, place(['perl', '-e', SERVE]));
  try {
    await dialog.ask(`${address} ${port} ${greeting}`, START_MS);
  } catch (thrown) {
    await dialog.stop();
    throw thrown;
  }
  return dialog;
}
