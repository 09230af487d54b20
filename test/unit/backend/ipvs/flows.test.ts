import { expect, test } from 'vitest';
import { forgetUdpFlows } from '../../../../src/backend/ipvs/flows.ts';
import { SluiceError } from '../../../../src/base/errors.ts';
import { Conntrack } from '../../../../src/kernel/conntrack.ts';
import { FakeRunner } from '../../../support/fake-runner.ts';

const SERVERS = ['-t 10.96.0.10:53', '-u 10.96.0.10:53', '-u 172.18.0.2:30053', '-f 10.96.0.10,udp:53'];

/** An entry as `conntrack` prints it: who asks whom, and who answers whom. */
function entry(id: number, [asks, asked, answers, answered]: readonly [string, string, string, string]): string {
  const [source, sourcePort] = asks.split(':');
  const [destination, port] = asked.split(':');
  const [replySource, replyPort] = answers.split(':');
  const [replyDestination, replyDestinationPort] = answered.split(':');
  const original = `src=${source} dst=${destination} sport=${sourcePort} dport=${port}`;
  const reply = `src=${replySource} dst=${replyDestination} sport=${replyPort} dport=${replyDestinationPort}`;
  return `udp      17 29 ${original} ${reply} [ASSURED] mark=0 use=1 id=${id}\n`;
}

const CLIENT = '203.0.113.9:4000';
const POD = '10.244.1.1:5353';
const BY_IPVS = entry(1, [CLIENT, '10.96.0.10:53', POD, CLIENT]);
const TO_NODE_PORT = entry(2, [CLIENT, '172.18.0.2:30053', POD, '172.18.0.2:12345']);
const TURNED_ROUND = entry(3, [POD, CLIENT, CLIENT, '10.96.0.10:53']);
const BY_RULES = entry(4, ['203.0.113.9:4001', '10.96.0.10:53', POD, '203.0.113.9:4001']);
const OF_OTHERS = entry(5, [CLIENT, '10.96.0.10:54', '10.96.0.10:54', CLIENT]);

/** @returns the identities in the messages to the kernel. */
async function forgotten(servers: readonly string[], fails?: SluiceError): Promise<readonly number[]> {
  const messages: string[] = [];
  const runner = new FakeRunner(({ command, input = '' }) => {
    if (fails !== undefined) throw fails;
    if (command.startsWith('perl')) messages.push(...input.trim().split('\n'));
    if (!command.startsWith('conntrack -L -f ipv4 -p udp')) return {};
    const listing = command.includes(' -g ') ? BY_RULES : BY_IPVS + TO_NODE_PORT + TURNED_ROUND + BY_RULES + OF_OTHERS;
    return { stdout: listing };
  });
  await forgetUdpFlows(servers, { conntrack: new Conntrack(runner), family: 'IPv4' });
  return messages.map((message) => Number.parseInt(message.slice(-8), 16));
}

test('forgets what IPVS translated, either way round, and nothing that rules translate', async () => {
  expect(await forgotten(SERVERS)).toEqual([1, 2, 3]);
});

test('looks at nothing without a virtual server of UDP', async () => {
  const asked = new SluiceError({ code: 'command-failed', message: 'asked' });
  expect(await forgotten(['-t 10.96.0.10:53', '-f 10.96.0.10,udp:53'], asked)).toEqual([]);
  await expect(forgotten(SERVERS, asked)).rejects.toBe(asked);
});

test('does without where there is no conntrack', async () => {
  expect(await forgotten(SERVERS, new SluiceError({ code: 'command-missing', message: 'no conntrack' }))).toEqual([]);
});
