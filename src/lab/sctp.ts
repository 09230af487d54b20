import { startLineProcess } from '../kernel/process.ts';
import type { LineProcess } from '../kernel/process.ts';
import { explainErrno, greeting, parseGreeting, startClock } from './outcome.ts';
import type { ListenParams, ProbeParams, ProbeResult, Server } from './protocol.ts';
import { decodeSctp, encodeInit, encodeInitAck } from './sctp-packet.ts';

/**
 * Carries packets between a raw socket and its standard streams, a line each: `ADDRESS HEX`, and `error ERRNO`. Arguments
 * are the local and the remote address, `-` for any. Few development machines have SCTP sockets and Node has none, but
 * netfilter and IPVS know the protocol on every machine, and a Perl of a few lines is on every Debian.
 */
const MESSENGER = String.raw`
use Socket qw(:all);
my ($local, $remote) = @ARGV;
my $family = "$local$remote" =~ /:/ ? AF_INET6 : AF_INET;
sub name { my $ip = inet_pton($family, $_[0]); $family == AF_INET6 ? pack_sockaddr_in6(0, $ip) : pack_sockaddr_in(0, $ip) }
sub address { (getnameinfo($_[0], NI_NUMERICHOST | NI_NUMERICSERV))[1] }
sub failed { print 'error ', (grep { $!{$_} } keys %!)[0], "\n" }
$| = 1;
socket(RAW, $family, SOCK_RAW, 132) or die "raw socket: $!\n";
$local eq '-' or bind(RAW, name($local)) or die "bind $local: $!\n";
$remote eq '-' or connect(RAW, name($remote)) or die "connect $remote: $!\n";
print "ready\n";
my ($watched, $input) = ('', '');
vec($watched, fileno($_), 1) = 1 for *STDIN, *RAW;
while (select(my $ready = $watched, undef, undef, undef) > 0) {
  if (vec($ready, fileno(RAW), 1)) {
    my $from = recv(RAW, my $packet, 65536, 0);
    defined $from ? print address($from), ' ', unpack('H*', $packet), "\n" : failed();
  }
  next unless vec($ready, fileno(STDIN), 1);
  sysread(STDIN, $input, 65536, length $input) or exit;
  while ($input =~ s/^(\S+) (\S+)\n//) {
    my ($to, $packet) = ($1, pack('H*', $2));
    defined($remote eq '-' ? send(RAW, $packet, 0, name($to)) : send(RAW, $packet, 0)) or failed();
  }
}
`;

/** What a messenger reports. */
type Report = { readonly address: string; readonly packet: Buffer } | { readonly errno: string };

/** @returns once the socket is open; rejects with what Perl said when it cannot be. */
async function startMessenger(
  ends: { readonly local?: string | undefined; readonly remote?: string },
  onReport: (report: Report) => void,
): Promise<LineProcess> {
  const { local = '-', remote = '-' } = ends;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const messenger = await startLineProcess({
    file: 'perl',
    args: ['-MErrno', '-e', MESSENGER, local, remote],
    onLine: (line) => {
      const [address = '', hex = ''] = line.split(' ');
      if (address === 'ready') open();
      else if (address === 'error') onReport({ errno: hex });
      else onReport({ address, packet: withoutIpHeader(Buffer.from(hex, 'hex'), address) });
    },
  });
  const failed = messenger.ended.then(() => Promise.reject(new Error(messenger.stderrTail())));
  await Promise.race([opened, failed]);
  failed.catch(() => undefined);
  return messenger;
}

/** A raw socket gives the header of IPv4, and not that of IPv6. */
function withoutIpHeader(packet: Buffer, address: string): Buffer {
  return address.includes(':') ? packet : packet.subarray((packet.readUInt8(0) & 0x0f) * 4);
}

/** Answers every INIT to the port with an INIT ACK that carries the greeting. Associations get no further. */
export async function startSctpServer({ address, port, name }: ListenParams): Promise<Server> {
  const messenger = await startMessenger({ local: address }, (report) => {
    if ('errno' in report) return;
    const init = decodeSctp(report.packet);
    if (init?.kind !== 'init' || init.destinationPort !== port) return;
    const answer = encodeInitAck(init, greeting(name, report.address, init.sourcePort));
    void messenger.writeLine(`${report.address} ${answer.toString('hex')}`).catch(() => undefined);
  });
  return {
    port,
    close: async () => {
      await messenger.stop();
    },
  };
}

/** Sends an INIT and waits for the answer to it. Unlike other probes it needs a source port of the caller's choice. */
export async function probeSctp(params: ProbeParams): Promise<ProbeResult> {
  const { sourcePort } = params;
  if (sourcePort === undefined) throw new Error('a probe by SCTP needs a source port');
  let settle: (report: Report | undefined) => void = () => undefined;
  const answered = new Promise<Report | undefined>((resolve) => {
    settle = resolve;
  });
  const ends = { local: params.sourceAddress, remote: params.address };
  const messenger = await startMessenger(ends, (report) => {
    if ('errno' in report || isAnswer(report.packet, params)) settle(report);
  });
  const clock = startClock();
  const timer = setTimeout(settle, params.timeoutMs, undefined);
  try {
    await messenger.writeLine(`${params.address} ${encodeInit(sourcePort, params.port).toString('hex')}`);
    const report = await answered;
    if (report === undefined) return { outcome: 'timeout', ms: clock() };
    if ('errno' in report) return explainErrno(Object.assign(new Error(report.errno), { code: report.errno }), clock());
    return { outcome: 'reply', ...parseGreeting(decodeSctp(report.packet)?.cookie ?? ''), ms: clock() };
  } finally {
    clearTimeout(timer);
    await messenger.stop();
  }
}

function isAnswer(packet: Buffer, { port, sourcePort }: ProbeParams): boolean {
  const answer = decodeSctp(packet);
  return answer?.kind === 'init-ack' && answer.sourcePort === port && answer.destinationPort === sourcePort;
}
