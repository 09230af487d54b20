import { describe, expect, test, vi } from 'vitest';
import { SluiceError } from '../../../src/base/errors.ts';
import type { CommandResult } from '../../../src/kernel/command.ts';
import { Conntrack } from '../../../src/kernel/conntrack.ts';
import type { UdpFlow } from '../../../src/kernel/conntrack-flow.ts';
import { parseFlow } from '../../../src/kernel/conntrack-flow.ts';
import { encodeDeletion } from '../../../src/kernel/conntrack-netlink.ts';
import type { Call } from '../../support/fake-runner.ts';
import { FakeRunner } from '../../support/fake-runner.ts';
import { ip } from '../../support/plans.ts';

const FLOW: UdpFlow = {
  source: ip('10.244.1.10'),
  sourcePort: 40_000,
  destination: ip('10.96.0.10'),
  destinationPort: 53,
  replySource: ip('10.244.2.10'),
  replySourcePort: 5353,
  replyDestination: ip('10.244.1.10'),
  replyDestinationPort: 40_000,
  id: 3_430_319_860,
};

const LINE =
  'udp      17 99 src=10.244.1.10 dst=10.96.0.10 sport=40000 dport=53 src=10.244.2.10 dst=10.244.1.10 sport=5353 dport=40000 [ASSURED] mark=0 use=1 id=3430319860';

describe('parseFlow', () => {
  test.for([
    ['an answered flow', LINE],
    ['a flow without an answer', LINE.replace('dport=53 ', 'dport=53 [UNREPLIED] ').replace(' [ASSURED]', '')],
    ['an offloaded flow', LINE.replace('17 99 ', '17 ').replace('ASSURED', 'OFFLOAD')],
    [
      'counters',
      LINE.replace('dport=53 ', 'dport=53 packets=1 bytes=60 ').replace('dport=40000', 'dport=40000 packets=2 bytes=9'),
    ],
    ['a security label', LINE.replace('use=1', 'secctx=system_u:object_r:unlabeled_t:s0 use=1')],
  ] as const)('reads %s', ([, line]) => {
    expect(parseFlow(line)).toEqual(FLOW);
  });

  test('reads IPv6', () => {
    const line =
      'udp      17 29 src=fd00::1 dst=fd00:96::a sport=1 dport=2 [UNREPLIED] src=fd00:96::a dst=fd00::1 sport=2 dport=1 mark=0 use=1 id=7';
    expect(parseFlow(line)).toEqual({
      source: 'fd00::1',
      sourcePort: 1,
      destination: 'fd00:96::a',
      destinationPort: 2,
      replySource: 'fd00:96::a',
      replySourcePort: 2,
      replyDestination: 'fd00::1',
      replyDestinationPort: 1,
      id: 7,
    });
  });

  test.for([
    ['TCP', LINE.replace('udp      17', 'tcp      6').replace('99', '99 ESTABLISHED')],
    ['UDP-Lite', LINE.replace('udp      17', 'udplite  136')],
    ['a conntrack zone', LINE.replace('mark=0', 'mark=0 zone=7')],
    ['a zone of one direction', LINE.replace('dport=53 ', 'dport=53 zone-orig=7 ')],
    ['a line without identity', LINE.replace(/ id=.*/, '')],
    ['nothing', ''],
  ] as const)('leaves out %s', ([, line]) => {
    expect(parseFlow(line)).toBeUndefined();
  });
});

describe('encodeDeletion', () => {
  test('is the netlink message of linux/netfilter/nfnetlink_conntrack.h', () => {
    expect(encodeDeletion('IPv4', FLOW).toString('hex')).toBe(
      [
        '50000000 0201 0100 00000000 00000000', // nlmsghdr: 80 bytes, CT_DELETE, REQUEST
        '02000000', // nfgenmsg: AF_INET
        '3400 0180', // CTA_TUPLE_ORIG
        '1400 0180 08000100 0af4010a 08000200 0a60000a', // CTA_TUPLE_IP
        '1c00 0280 05000100 11000000 06000200 9c400000 06000300 00350000', // CTA_TUPLE_PROTO
        '0800 0c00 cc7686f4', // CTA_ID
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  test('has the attributes of IPv6 addresses', () => {
    const flow = { ...FLOW, source: ip('fd00::1'), destination: ip('fd00::2') };
    const message = encodeDeletion('IPv6', flow).toString('hex');
    expect(message).toContain(`14000300${'fd'.padEnd(30, '0')}01`);
    expect(message).toContain(`14000400${'fd'.padEnd(30, '0')}02`);
    expect(message.slice(32, 40)).toBe('0a000000');
  });
});

function fake(answer: (call: Call) => Partial<CommandResult>) {
  const runner = new FakeRunner(answer);
  return { runner, conntrack: new Conntrack(runner) };
}

const missing = (file: string): never => {
  throw new SluiceError({ code: 'command-missing', message: `the program ${file} is not installed` });
};

describe('list', () => {
  test('gives the entries that are wanted, of one family, from one process', async () => {
    const other = LINE.replace('dport=53', 'dport=54');
    const { runner, conntrack } = fake(() => ({ stdout: `${LINE}\n${other}\n` }));
    expect(await conntrack.list('IPv4', ({ destinationPort }) => destinationPort === 53)).toEqual([FLOW]);
    await conntrack.list('IPv6', () => true, { destination: ip('fd00::1') });
    expect(runner.calls.map(({ command }) => command)).toEqual([
      'conntrack -L -f ipv4 -p udp -o id',
      'conntrack -L -f ipv6 -p udp -d fd00::1 -o id',
    ]);
  });

  test('lets others run while a long listing is read', async () => {
    const { conntrack } = fake(() => ({ stdout: `${LINE}\n`.repeat(9000) }));
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 0);
    const flows = await conntrack.list('IPv4', () => true);
    clearInterval(timer);
    expect(flows).toHaveLength(9000);
    expect(turns).toBeGreaterThan(0);
  });

  test('tries again when the table changed under it', async () => {
    let tries = 0;
    const stderr = 'conntrack v1.4.7 (conntrack-tools): Operation failed: Interrupted system call\n';
    const { conntrack } = fake(() => {
      tries += 1;
      return tries < 3 ? { exitCode: 1, stderr } : { stdout: LINE };
    });
    expect(await conntrack.list('IPv4', () => true)).toHaveLength(1);
    const never = fake(() => ({ exitCode: 1, stderr }));
    await expect(never.conntrack.list('IPv4', () => true)).rejects.toMatchObject({
      code: 'command-failed',
      message: 'conntrack failed: Operation failed: Interrupted system call',
    });
    expect(never.runner.calls).toHaveLength(5);
  });

  test('tells a missing permission from other failures', async () => {
    const stderr =
      'conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this\n';
    const { conntrack } = fake(() => ({ exitCode: 1, stderr }));
    await expect(conntrack.list('IPv4', () => true)).rejects.toMatchObject({ code: 'permission-denied' });
  });
});

describe('delete', () => {
  const flows = [1, 2, 3].map((n) => ({ ...FLOW, sourcePort: n, id: n }));

  test('sends one message for each entry, through one process; what is gone is fine', async () => {
    const { runner, conntrack } = fake(() => ({ stdout: '2\n' }));
    await conntrack.delete('IPv4', flows);
    expect(runner.calls).toHaveLength(1);
    expect(runner.calls[0]?.command).toMatch(/^perl -e /);
    expect(runner.calls[0]?.input).toBe(
      flows.map((flow) => `${encodeDeletion('IPv4', flow).toString('hex')}\n`).join(''),
    );
  });

  test.for([
    ['without Perl', () => missing('perl')],
    ['where Perl gets no netlink', () => ({ exitCode: 2, stderr: 'netlink socket: Address family not supported' })],
    ['when the kernel does not understand', () => ({ stdout: '22\n' })],
  ] as const)('deletes by pairs of destination and endpoint %s', async ([, perl]) => {
    const { runner, conntrack } = fake(({ command }) => (command.startsWith('perl') ? perl() : {}));
    await conntrack.delete('IPv6', [...flows, { ...FLOW, replySourcePort: 53 }]);
    expect(runner.calls.slice(1)).toEqual([
      {
        command: 'sh -c cat | conntrack -R -',
        input:
          '-D -f ipv6 -p udp -d 10.96.0.10 --orig-port-dst 53 -r 10.244.2.10 --reply-port-src 5353\n' +
          '-D -f ipv6 -p udp -d 10.96.0.10 --orig-port-dst 53 -r 10.244.2.10 --reply-port-src 53\n',
      },
    ]);
  });

  test('many take some processes, not one each', async () => {
    const many = Array.from({ length: 12_000 }, (_, n) => ({ ...FLOW, id: n, replySourcePort: n % 50 }));
    const { runner, conntrack } = fake(() => ({}));
    await conntrack.delete('IPv4', many);
    expect(runner.calls).toHaveLength(3);
    const other = fake(({ command }) => (command.startsWith('perl') ? missing('perl') : {}));
    await other.conntrack.delete('IPv4', many);
    expect(other.runner.calls.slice(1).map(({ input }) => input?.match(/^-D /gm)?.length)).toEqual([20, 20, 10]);
  });

  test('gives up by pairs after half a minute, with what it has done', async ({ onTestFinished }) => {
    let nowMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    onTestFinished(() => clock.mockRestore());
    const { runner, conntrack } = fake(({ command }) => {
      if (command.startsWith('perl')) return missing('perl');
      nowMs += 20_000;
      return {};
    });
    const many = Array.from({ length: 200 }, (_, n) => ({ ...FLOW, replySourcePort: n }));
    await expect(conntrack.delete('IPv4', many)).rejects.toMatchObject({ code: 'command-timeout' });
    expect(runner.calls).toHaveLength(3);
  });

  test('goes on after an entry that went while its pair was deleted', async () => {
    let tries = 0;
    const { conntrack, runner } = fake(({ command }) => {
      if (command.startsWith('perl')) return missing('perl');
      tries += 1;
      return tries === 1
        ? { exitCode: 1, stderr: "conntrack v1.4.7 (conntrack-tools): Operation failed: such conntrack doesn't exist" }
        : {};
    });
    await conntrack.delete('IPv4', flows);
    expect(runner.calls).toHaveLength(3);
  });

  test('says when it is not allowed to', async () => {
    const { conntrack } = fake(() => ({ stdout: '1\n1\n1\n' }));
    await expect(conntrack.delete('IPv4', flows)).rejects.toMatchObject({ code: 'permission-denied' });
  });

  test('starts nothing for nothing', async () => {
    const { runner, conntrack } = fake(() => ({}));
    await conntrack.delete('IPv4', []);
    expect(runner.calls).toEqual([]);
  });
});
