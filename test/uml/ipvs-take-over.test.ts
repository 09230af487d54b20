import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { cleanup } from '../../src/app/cleanup.ts';
import { runOnce } from '../../src/app/run.ts';
import { Lab } from '../../src/lab/lab.ts';
import { forgetUdpSoon, writeKubeletRules } from '../support/program-machine.ts';
import { configFor, MemoryLog } from '../support/program-node.ts';
import { manifestOf } from '../support/program-objects.ts';
import type { Stream } from '../support/program-traffic.ts';
import { serversOf, startServers, streamsTo, Traffic, unanswered } from '../support/program-traffic.ts';
import type { ProgramVariant } from '../support/program-variants.ts';
import { emptyIpvsMachine, IPTABLES_VARIANT, IPVS_VARIANT, ipvsMachine } from './ipvs-machine.ts';

const web = { name: 'web', id: 10, pods: ['pod-b', 'remote-a', 'remote-b'] };
const sticky = { name: 'sticky', id: 11, pods: ['remote-b', 'remote-c'], spec: { sessionAffinity: 'ClientIP' } };

/** Six times what it takes alone: it starts the program five times while clients keep the machine busy. */
const TIMEOUT_MS = 500_000;

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
});

afterEach(emptyIpvsMachine);
afterAll(() => lab.close());

/** `sluice run` with a cluster that stays as it is. @returns what it logged. */
async function sluice(variant: ProgramVariant): Promise<readonly string[]> {
  const memory = new MemoryLog('info');
  const stdin = Readable.from([manifestOf([web, sticky])]);
  await runOnce({ config: configFor(variant), log: memory.log, stdin });
  return memory.lines;
}

/**
 * Is it what ends with IPVS? A TCP connection was open, or one was under way, or a datagram was: IPVS knows the flow and no
 * destination for it any more, and drops both (net.ipv4.vs.expire_nodest_conn); the next one finds the rules. The node sends
 * that from the Service's address, as long as it has it, and no answer comes when it has it no more.
 */
function endsWithIpvs(line: string): boolean {
  const lost = Number(/: (\d+) of \d+:/.exec(line)?.[1]);
  return line.includes('held connection') || lost <= (line.startsWith('node udp ') ? 2 : 1);
}

/**
 * Sends again before the kernel forgets a flow of UDP ({@link forgetUdpSoon}), so that it has to be told to. On a busy machine an
 * answer may take longer, so what counts is that there are answers again.
 */
const STEADY_MS = 2000;

const STEADY = ' from port ';

/** The streams of UDP, each from one port all the time. */
function steady(streams: readonly Stream[]): readonly Stream[] {
  return streams
    .filter(({ protocol }) => protocol === 'udp')
    .map((stream, i) => {
      const sourcePort = 40_000 + i;
      return { ...stream, title: `${stream.title}${STEADY}${sourcePort}`, sourcePort, timeoutMs: STEADY_MS };
    });
}

// This kernel has no nft for IPv4 and IPv6, but what happens to the rules of IPVS is the same whoever comes next. Open TCP
// connections that IPVS translated end with it: what it knows of them, netfilter cannot take over.
test(
  'from ipvs to iptables and back: no new connection is lost, and every flow goes on',
  async () => {
    await writeKubeletRules('legacy');
    const untouched = await ipvsMachine();
    await sluice(IPVS_VARIANT);
    const [stream] = streamsTo(web);
    if (stream === undefined) throw new Error('no stream');
    for (const successor of [IPTABLES_VARIANT, IPVS_VARIANT]) {
      const isIpvs = successor === IPVS_VARIANT;
      const flows = steady(streamsTo(web));
      const traffic = await Traffic.start(lab, [...streamsTo(web), ...flows]);
      await sluice(successor);
      const { lost } = await traffic.stop();
      const others = lost.filter((line) => !line.includes(STEADY));
      expect(others.filter((line) => isIpvs || !endsWithIpvs(line))).toEqual([]);
      expect(await unanswered(lab, flows)).toEqual([]);
      expect(await serversOf(lab, stream, 30)).toEqual(new Set(web.pods));
      const { servers, addresses } = await ipvsMachine();
      expect(servers.length > 0).toBe(isIpvs);
      expect(addresses.some((line) => line.includes('kube-ipvs0'))).toBe(isIpvs);
      expect((await sluice(successor)).filter((line) => line.includes('rules written'))).toEqual([]);
    }
    await cleanup({ backend: undefined });
    expect(await ipvsMachine()).toEqual(untouched);
  },
  TIMEOUT_MS,
);
