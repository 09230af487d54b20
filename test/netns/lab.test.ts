import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemRunner } from '../../src/kernel/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { ListenOptions } from '../../src/lab/origin.ts';
import type { Transport } from '../../src/lab/protocol.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';

const PROTOCOLS = ['tcp', 'udp'] as const satisfies readonly Transport[];
const EVERYWHERE = ['node', 'outside', 'remote', 'pod-a', 'pod-b', 'remote-a', 'remote-b'];
const PORT = 8080;
const SERVICE = { IPv4: '10.96.0.10', IPv6: 'fd00:10:96::10' };

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create({ pods: ['pod-a', 'pod-b'], remotePods: ['remote-a', 'remote-b'] });
  const servers = EVERYWHERE.flatMap((name) =>
    PROTOCOLS.map((protocol) => lab.at(name).listen({ protocol, port: PORT })),
  );
  await Promise.all(servers);
});

afterEach(async () => {
  await systemRunner.run('nft', ['flush', 'ruleset']);
});

afterAll(() => lab.close());

async function nft(rules: string): Promise<void> {
  const { exitCode, stderr } = await systemRunner.run('nft', ['-f', '-'], { input: rules });
  if (exitCode !== 0) throw new Error(stderr);
}

function inHook(hook: string, rules: string): Promise<void> {
  return nft(`table inet test { chain ${hook} { type filter hook ${hook} priority 0; ${rules}; }; }`);
}

/** The source address that reaches `to` when nothing is masqueraded. */
function sourceSeen(from: string, to: string, family: (typeof IP_FAMILIES)[number]): string {
  const { node } = lab.topology;
  if (from === 'remote' && to.startsWith('remote-')) return lab.at(to).addresses[family];
  if (from === 'node' && to.startsWith('pod-')) return node.bridgeAddresses[family];
  if (from === 'node' && to.startsWith('remote')) return node.peerAddresses[family];
  return lab.at(from).addresses[family];
}

describe.each(IP_FAMILIES)('%s', (family) => {
  describe.each(PROTOCOLS)('%s', (protocol) => {
    test.each(EVERYWHERE)('%s reaches everyone and is seen by its own address', async (from) => {
      for (const to of EVERYWHERE) {
        const address = lab.at(to).addresses[family];
        const result = await lab.at(from).probe({ protocol, address, port: PORT });
        expect(result, `to ${to}`).toMatchObject({
          outcome: 'reply',
          server: to,
          client: sourceSeen(from, to, family),
        });
      }
    });

    test('a closed port refuses', async () => {
      const address = lab.at('pod-b').addresses[family];
      expect(await lab.at('pod-a').probe({ protocol, address, port: 1 })).toMatchObject({ outcome: 'refused' });
    });

    test('what no Service claims is lost, from everywhere', async () => {
      const probe = { protocol, address: SERVICE[family], port: 80, timeoutMs: 300 };
      const results = await Promise.all(EVERYWHERE.map((from) => lab.at(from).probe(probe)));
      expect(results.map((result) => result.outcome)).toEqual(EVERYWHERE.map(() => 'timeout'));
    });

    test('a dropped packet is a timeout', async () => {
      await inHook('forward', 'drop');
      const address = lab.at('pod-a').addresses[family];
      const result = await lab.at('outside').probe({ protocol, address, port: PORT, timeoutMs: 200 });
      expect(result).toMatchObject({ outcome: 'timeout' });
      expect(result.ms).toBeGreaterThanOrEqual(199);
    });

    test('a rejected packet is a refusal', async () => {
      await inHook('forward', 'reject');
      const address = lab.at('pod-a').addresses[family];
      expect(await lab.at('outside').probe({ protocol, address, port: PORT })).toMatchObject({ outcome: 'refused' });
    });

    test('an administrative prohibition is told apart from a refusal', async () => {
      await inHook('forward', 'reject with icmpx admin-prohibited');
      const address = lab.at('pod-a').addresses[family];
      const result = await lab.at('outside').probe({ protocol, address, port: PORT });
      expect(result).toMatchObject({ outcome: 'unreachable', errno: family === 'IPv4' ? 'EHOSTUNREACH' : 'EACCES' });
    });

    test('two pods of the bridge meet netfilter when the kernel has it so', async () => {
      await inHook('forward', 'reject');
      const address = lab.at('pod-b').addresses[family];
      const { outcome } = await lab.at('pod-a').probe({ protocol, address, port: PORT });
      expect(outcome).toBe(lab.bridgeNetfilter ? 'refused' : 'reply');
    });

    test('a pod reaches itself through a Service, seen as the node', async () => {
      const ip = family === 'IPv4' ? 'ip' : 'ip6';
      const pod = lab.at('pod-a').addresses[family];
      const match = `${ip} daddr ${SERVICE[family]} ${protocol} dport 80`;
      const dnat = `dnat to ${family === 'IPv4' ? pod : `[${pod}]`}:${PORT}`;
      await nft(`table ${ip} test {
        chain services { type nat hook prerouting priority -100; ${match} ${dnat}; }
        chain leaving { type nat hook postrouting priority 100; ${ip} saddr ${pod} ${ip} daddr ${pod} masquerade; }
      }`);
      const result = await lab.at('pod-a').probe({ protocol, address: SERVICE[family], port: 80 });
      expect(result).toMatchObject({
        outcome: 'reply',
        server: 'pod-a',
        client: lab.topology.node.bridgeAddresses[family],
      });
    });

    test('a masqueraded client is seen as the node by a remote pod', async () => {
      const ip = family === 'IPv4' ? 'ip' : 'ip6';
      await nft(`table ${ip} test { chain leaving { type nat hook postrouting priority 100; masquerade; }; }`);
      const result = await lab
        .at('outside')
        .probe({ protocol, address: lab.at('remote-b').addresses[family], port: PORT });
      expect(result).toMatchObject({ server: 'remote-b', client: lab.topology.node.peerAddresses[family] });
    });

    test('a source port is used as given, again and again', async () => {
      const probe = { protocol, address: lab.at('pod-a').addresses[family], port: PORT, sourcePort: 45_678 };
      for (const from of ['outside', 'remote-a', 'remote-b']) {
        expect(await lab.at(from).probes({ ...probe, count: 3 })).toMatchObject(
          Array.from({ length: 3 }, () => ({
            outcome: 'reply',
            client: lab.at(from).addresses[family],
            clientPort: 45_678,
          })),
        );
      }
    });
  });
});

describe('stress', () => {
  test.each(PROTOCOLS)('counts %s probes by server', async (protocol) => {
    const address = lab.at('pod-a').addresses.IPv4;
    const result = await lab.at('outside').stress({ protocol, address, port: PORT, durationMs: 200 }).done;
    expect(result).toMatchObject({ failed: 0, failures: [], byServer: { 'pod-a': result.ok } });
    expect(result.attempts).toBe(result.ok);
    expect(result.ok).toBeGreaterThan(20);
    expect(result.durationMs).toBeGreaterThanOrEqual(200);
  });

  test('sees an outage, and stops when told', async () => {
    const address = lab.at('remote-a').addresses.IPv6;
    const stress = lab
      .at('outside')
      .stress({ protocol: 'tcp', address, port: PORT, durationMs: 30_000, concurrency: 2 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await inHook('forward', 'tcp flags & (syn | ack) == syn reject with tcp reset');
    await new Promise((resolve) => setTimeout(resolve, 200));
    const result = await stress.stop();
    expect(result.durationMs).toBeLessThan(10_000);
    expect(result.ok).toBeGreaterThan(0);
    expect(result.failed).toBeGreaterThan(0);
    expect(result.ok + result.failed).toBe(result.attempts);
    expect(result.failures[0]).toMatchObject({ reason: 'refused' });
    expect(result.failures[0]?.atMs).toBeGreaterThan(100);
  });
});

describe('hold', () => {
  test('an established connection is checked by its echo', async () => {
    const address = lab.at('pod-a').addresses.IPv4;
    const hold = await lab.at('outside').hold({ address, port: PORT });
    expect(hold.opened).toMatchObject({ outcome: 'reply', server: 'pod-a' });
    expect(await hold.check()).toMatchObject({ alive: true });
    await inHook('forward', 'drop');
    expect(await hold.check(200)).toMatchObject({ alive: false, reason: 'timeout' });
    await systemRunner.run('nft', ['flush', 'ruleset']);
    expect(await hold.check()).toMatchObject({ alive: true });
    await hold.close();
    await expect(hold.check()).rejects.toMatchObject({ code: 'lab-failed' });
  });

  test('a connection that the server has cut is not alive', async () => {
    const listener = await lab.at('remote-b').listen({ protocol: 'tcp', port: 8081 });
    const address = lab.at('remote-b').addresses.IPv6;
    const hold = await lab.at('pod-a').hold({ address, port: 8081 });
    expect(await hold.check()).toMatchObject({ alive: true });
    await listener.close();
    expect(await hold.check()).toMatchObject({ alive: false });
    expect(await lab.at('pod-a').probe({ protocol: 'tcp', address, port: 8081 })).toMatchObject({ outcome: 'refused' });
  });
});

describe('listen', () => {
  test('a name of its own, a port of the kernel’s choice', async () => {
    const options: ListenOptions = {
      protocol: 'udp',
      port: 0,
      name: 'dns',
      addresses: [lab.at('pod-b').addresses.IPv4],
    };
    const listener = await lab.at('pod-b').listen(options);
    const probe = { protocol: 'udp', address: '10.244.1.11', port: listener.ports[0] ?? 0 } as const;
    expect(await lab.at('pod-a').probe(probe)).toMatchObject({ server: 'dns' });
    await listener.close();
    expect(await lab.at('pod-a').probe(probe)).toMatchObject({ outcome: 'refused' });
  });

  test('a port that is taken is a fault of the lab, and no half of it stays', async () => {
    const taken = lab.at('pod-a').addresses.IPv4;
    const blocker = await lab.at('pod-a').listen({ protocol: 'tcp', port: 8082, addresses: [taken] });
    const both = lab.at('pod-a').listen({ protocol: 'tcp', port: 8082 });
    await expect(both).rejects.toMatchObject({ code: 'lab-failed', data: { errno: 'EADDRINUSE', origin: 'pod-a' } });
    const other = { protocol: 'tcp', address: lab.at('pod-a').addresses.IPv6, port: 8082 } as const;
    expect(await lab.at('pod-b').probe(other)).toMatchObject({ outcome: 'refused' });
    await blocker.close();
  });
});

describe('the network', () => {
  test('ports of the bridge are in hairpin mode', async () => {
    const { stdout } = await systemRunner.run('ip', ['-d', '-j', 'link', 'show', 'master', 'cni0']);
    const links = JSON.parse(stdout) as { linkinfo: { info_slave_data: { hairpin: boolean } } }[];
    expect(links.map((link) => link.linkinfo.info_slave_data.hairpin)).toEqual([true, true]);
  });

  test('bridged packets meet netfilter if the kernel has that', () => {
    const settings = readdirSync('/proc/sys/net').includes('bridge')
      ? readFileSync('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8').trim()
      : '0';
    expect(lab.bridgeNetfilter).toBe(settings === '1');
  });

  test('an unknown place is named with those there are', () => {
    expect(() => lab.at('pod-z')).toThrow(
      expect.objectContaining({ code: 'lab-failed', hint: expect.stringContaining('pod-a') }),
    );
    expect(() => lab.pod('outside')).toThrow(expect.objectContaining({ code: 'lab-failed' }));
  });
});
