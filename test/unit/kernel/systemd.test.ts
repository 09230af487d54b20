import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { CommandResult, CommandRunner } from '../../../src/kernel/command.ts';
import { systemRunner } from '../../../src/kernel/command.ts';
import { startLineProcess } from '../../../src/kernel/process.ts';
import { SystemdNotifier } from '../../../src/kernel/systemd.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { FakeRunner } from '../../support/fake-runner.ts';
import { MemoryLog } from '../../support/program-node.ts';

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

function service(env: Readonly<Record<string, string>>, answer: () => Partial<CommandResult> = () => ({})) {
  const runner = new FakeRunner(answer);
  const clock = new FakeClock();
  const log = new MemoryLog();
  const state = { alive: true };
  const notifier = new SystemdNotifier({ runner, clock, log: log.log, env, isAlive: () => state.alive });
  const said = (): readonly string[] =>
    runner.calls.splice(0).map(({ command }) => command.replace('systemd-notify ', ''));
  return { notifier, clock, state, said, complaints: log.lines };
}

test('says nothing where nobody listens', async () => {
  const { notifier, clock, said } = service({ WATCHDOG_USEC: '1000000' });
  await notifier.ready('up');
  notifier.status('busy');
  await clock.advance(60_000);
  await notifier.stopping('bye');
  expect(said()).toEqual([]);
});

test('says when it is ready and when it stops', async () => {
  const { notifier, said } = service(SOCKET);
  await notifier.ready('3 Services\n  programmed');
  await notifier.stopping('told to');
  expect(said()).toEqual(['READY=1 STATUS=3 Services programmed', 'STOPPING=1 STATUS=told to']);
});

describe('status', () => {
  test('is told at once, then at most every five seconds, the newest', async () => {
    const { notifier, clock, said } = service(SOCKET);
    notifier.status('one');
    await clock.advance(0);
    expect(said()).toEqual(['STATUS=one']);
    notifier.status('two');
    await clock.advance(4999);
    notifier.status('three');
    expect(said()).toEqual([]);
    await clock.advance(1);
    expect(said()).toEqual(['STATUS=three']);
  });

  test('is not repeated, and not when it went back to what was told', async () => {
    const { notifier, clock, said } = service(SOCKET);
    await notifier.ready('one');
    notifier.status('one');
    notifier.status('two');
    notifier.status('one');
    await clock.advance(60_000);
    expect(said()).toEqual(['READY=1 STATUS=one']);
  });

  test('nothing follows the end', async () => {
    const { notifier, clock, said } = service(SOCKET);
    await notifier.ready('one');
    notifier.status('two');
    await notifier.stopping('bye');
    notifier.status('three');
    await clock.advance(60_000);
    expect(said()).toEqual(['READY=1 STATUS=one', 'STOPPING=1 STATUS=bye']);
    expect(clock.pendingMs).toEqual([]);
  });
});

describe('watchdog', () => {
  const env = { ...SOCKET, WATCHDOG_USEC: '30000000' };

  test('is fed twice in its time, from the start on, as long as all is well', async () => {
    const { notifier, clock, state, said } = service(env);
    await clock.advance(60_000);
    await notifier.ready('up');
    said();
    await clock.advance(30_000);
    expect(said()).toEqual(['WATCHDOG=1', 'WATCHDOG=1']);
    state.alive = false;
    await clock.advance(30_000);
    expect(said()).toEqual([]);
    state.alive = true;
    await clock.advance(15_000);
    expect(said()).toEqual(['WATCHDOG=1']);
    await notifier.stopping('bye');
    said();
    await clock.advance(60_000);
    expect(said()).toEqual([]);
  });

  test.for([
    ['that waits for us', String(process.pid), 2],
    ['that waits for another process', '1', 0],
  ] as const)('one %s', async ([, pid, signs]) => {
    const { notifier, clock, said } = service({ ...env, WATCHDOG_PID: pid });
    await notifier.ready('up');
    said();
    await clock.advance(30_000);
    expect(said()).toHaveLength(signs);
  });
});

test('a failure is said once and stops nobody', async () => {
  const { notifier, clock, complaints } = service(SOCKET, () => ({
    exitCode: 1,
    stderr: 'Failed to notify init system\n',
  }));
  await notifier.ready('up');
  notifier.status('other');
  await clock.advance(10_000);
  await settle();
  expect(complaints).toEqual([
    expect.stringContaining('cannot tell systemd how this service is doing: Failed to notify init system'),
  ]);
});

/** A datagram socket, each message a line; ends with the barrier after STOPPING=1, by which systemd-notify knows that it was read. */
const RECEIVER = `
  use Socket; $| = 1;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!; bind($s, sockaddr_un($ARGV[0])) or die $!;
  print "listening\\n";
  my $stopping = 0;
  until ($stopping && $m =~ /BARRIER/) {
    recv($s, $m, 4096, 0);
    print join("|", split(/\\n/, $m)), "\\n";
    $stopping ||= $m =~ /STOPPING/;
  }
`;

async function isThere(program: string): Promise<boolean> {
  return systemRunner.run(program, ['--version']).then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
}

const real = (await isThere('systemd-notify')) && (await isThere('perl'));

test.runIf(real)('speaks the protocol, through the real systemd-notify', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-systemd-'));
  const path = join(folder, 'notify');
  const lines: string[] = [];
  const receiver = await startLineProcess({
    file: 'perl',
    args: ['-e', RECEIVER, path],
    onLine: (line) => lines.push(line),
  });
  await expect.poll(() => lines).toEqual(['listening']);
  const runner: CommandRunner = {
    run: (file, args, options) => systemRunner.run('env', [`NOTIFY_SOCKET=${path}`, file, ...args], options),
  };
  const log = new MemoryLog();
  const notifier = new SystemdNotifier({ runner, clock: systemClock, log: log.log, env: { NOTIFY_SOCKET: path } });
  await notifier.ready('12 Services');
  await notifier.stopping('told to');
  await receiver.stop();
  rmSync(folder, { recursive: true });
  expect(lines.filter((line) => !line.startsWith('BARRIER'))).toEqual([
    'listening',
    'READY=1|STATUS=12 Services',
    'STOPPING=1|STATUS=told to',
  ]);
  expect(log.lines).toEqual([]);
});
