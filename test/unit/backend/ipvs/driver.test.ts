import { beforeEach, describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import type { BackendSettings, Driver, IpvsSettings } from '../../../../src/backend/contract.ts';
import { IpvsDriver } from '../../../../src/backend/ipvs/driver.ts';
import { DEFAULT_IPVS, ipvsSpelling } from '../../../../src/backend/ipvs/render.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, isEmptyChange, NO_RULES } from '../../../../src/backend/rules.ts';
import type { Target } from '../../../../src/compiler/plan.ts';
import { FakeClock, settle } from '../../../support/fake-clock.ts';
import { FakeIpvs } from '../../../support/fake-ipvs.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { address, cidr, ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

const A = target('10.244.1.1', 8080, true);
const B = target('10.244.2.1', 8080);
const C = target('10.244.2.2', 8080);

const NODE = nodePlan('IPv4', { interfaceAddresses: [ip('172.18.0.2')] });

function settingsWith(ipvs: Partial<IpvsSettings> = {}): BackendSettings {
  return { masqueradeBit: 14, conntrackBeLiberal: false, ipvs: { ...DEFAULT_IPVS, ...ipvs } };
}

function rulesOf(sketches: readonly Partial<ServiceSketch>[], settings = settingsWith()): RuleSet {
  const services = sketches.map((parts) => servicePlan(sketch('IPv4', parts), NODE));
  return assemble(ipvsSpelling(settings), planOf('IPv4', services, NODE)).rules;
}

const web = (targets: readonly Target[], parts: Partial<ServiceSketch> = {}): RuleSet =>
  rulesOf([{ targets, ...parts }]);

/** Shared by the drivers of a test: the machine outlives them. */
let fake: FakeIpvs;
let clock: FakeClock;
let driver: Driver;

function open(settings = settingsWith()): Driver {
  return new IpvsDriver({ family: 'IPv4', runner: fake, settings, clock });
}

/** As the applier does it. */
async function write(rules: RuleSet, known?: RuleSet): Promise<void> {
  await driver.apply(diffRuleSets(known ?? (await driver.read()), rules), rules);
}

const WEB = '-t 10.96.0.1:80';

function destinations(key = WEB): Record<string, string> {
  return Object.fromEntries(fake.servers.get(key)?.destinations ?? []);
}

beforeEach(() => {
  fake = new FakeIpvs();
  clock = new FakeClock();
  driver = open();
});

describe('what is written for a change', () => {
  beforeEach(async () => {
    await write(web([A, B]));
    fake.takeCalls();
  });

  test('one endpoint more is one line', async () => {
    await write(web([A, B, C]), web([A, B]));
    expect(fake.takeCalls()).toEqual([`ipvsadm --restore\n-a ${WEB} -r 10.244.2.2:8080 -m -w 1\n`]);
  });

  test('one endpoint for another: the new one comes first', async () => {
    await write(web([A, C]), web([A, B]));
    expect(fake.takeCalls()).toEqual([
      `ipvsadm --restore\n-a ${WEB} -r 10.244.2.2:8080 -m -w 1\n-e ${WEB} -r 10.244.2.1:8080 -m -w 0\n`,
    ]);
  });

  test('does not depend on how many Services there are', async () => {
    const others = (count: number): readonly Partial<ServiceSketch>[] =>
      Array.from({ length: count }, (_, n) => ({
        name: `default/other-${n}:`,
        clusterIp: address('IPv4', 'service', n + 20),
        targets: [B],
      }));
    const callsWith = async (count: number): Promise<readonly string[]> => {
      const before = rulesOf([{ targets: [A] }, ...others(count)]);
      await write(before);
      fake.takeCalls();
      await write(rulesOf([{ targets: [A, B] }, ...others(count)]), before);
      return fake.takeCalls();
    };
    expect(await callsWith(3)).toEqual(await callsWith(300));
  });

  test('a new Service: sets, then the virtual server, then the address that leads to it', async () => {
    const other = { name: 'default/new:', clusterIp: ip('10.96.0.9'), targets: [C] };
    await write(rulesOf([{ targets: [A, B] }, other]), web([A, B]));
    const calls = fake.takeCalls();
    expect(calls.map((call) => call.split('\n')[0])).toEqual(['ipset restore', 'ipvsadm --restore', 'ip -batch -']);
    expect(calls[1]).toBe(
      'ipvsadm --restore\n-A -t 10.96.0.9:80 -s rr\n-a -t 10.96.0.9:80 -r 10.244.2.2:8080 -m -w 1\n',
    );
    await write(web([A, B]), rulesOf([{ targets: [A, B] }, other]));
    expect(fake.takeCalls().map((call) => call.split('\n')[0])).toEqual([
      'ip -batch -',
      'ipvsadm --restore',
      'ipset restore',
    ]);
  });

  test('affinity changes the virtual server where it is', async () => {
    await write(web([A, B], { affinityTimeoutS: 60 }), web([A, B]));
    expect(fake.takeCalls()).toEqual([`ipvsadm --restore\n-E ${WEB} -s rr -p 60\n`]);
  });
});

describe('an endpoint that is gone', () => {
  beforeEach(async () => {
    await write(web([A, B]));
  });

  test('keeps its connections, and leaves with the last of them', async () => {
    fake.connections.set(`${WEB} 10.244.2.1:8080`, 2);
    await write(web([A]), web([A, B]));
    await clock.advance(60_000);
    expect(destinations()).toEqual({ '10.244.1.1:8080': '-m -w 1', '10.244.2.1:8080': '-m -w 0' });
    fake.connections.clear();
    await clock.advance(10_000);
    expect(destinations()).toEqual({ '10.244.1.1:8080': '-m -w 1' });
    expect(clock.pendingMs).toEqual([]);
  });

  test('is not part of the rules', async () => {
    await write(web([A]), web([A, B]));
    expect(isEmptyChange(diffRuleSets(await driver.read(), web([A])))).toBe(true);
  });

  test('gets new connections again when it comes back', async () => {
    fake.connections.set(`${WEB} 10.244.2.1:8080`, 1);
    await write(web([A]), web([A, B]));
    fake.takeCalls();
    await write(web([A, B]), web([A]));
    expect(fake.takeCalls()).toEqual([`ipvsadm --restore\n-e ${WEB} -r 10.244.2.1:8080 -m -w 1\n`]);
    fake.connections.clear();
    await clock.advance(60_000);
    expect(destinations()).toEqual({ '10.244.1.1:8080': '-m -w 1', '10.244.2.1:8080': '-m -w 1' });
  });

  test('is recognised by the next process', async () => {
    fake.connections.set(`${WEB} 10.244.2.1:8080`, 1);
    await write(web([A]), web([A, B]));
    await driver.close();
    driver = open();
    expect(isEmptyChange(diffRuleSets(await driver.read(), web([A])))).toBe(true);
    fake.connections.clear();
    await clock.advance(10_000);
    expect(Object.keys(destinations())).toEqual(['10.244.1.1:8080']);
  });

  test('leaves at once when the driver closes and nobody is connected', async () => {
    await write(web([A]), web([A, B]));
    await driver.close();
    expect(Object.keys(destinations())).toEqual(['10.244.1.1:8080']);
    expect(clock.pendingMs).toEqual([]);
  });

  test('goes at once where connections have no end', async () => {
    const udp = { protocol: 'udp' } as const;
    await write(web([A, B], udp));
    fake.connections.set('-u 10.96.0.1:80 10.244.2.1:8080', 5);
    await write(web([A], udp), web([A, B], udp));
    expect(Object.keys(destinations('-u 10.96.0.1:80'))).toEqual(['10.244.1.1:8080']);
  });

  test('is looked at again when the tool fails', async () => {
    await write(web([A]), web([A, B]));
    fake.override = (call) => (call === 'ipvsadm --restore' ? { stderr: 'busy\n' } : undefined);
    await clock.advance(10_000);
    fake.override = undefined;
    await clock.advance(10_000);
    expect(Object.keys(destinations())).toEqual(['10.244.1.1:8080']);
  });

  test('that is wanted again while it is looked at stays', async () => {
    await write(web([A]), web([A, B]));
    const writing = write(web([A, B]), web([A]));
    await clock.advance(10_000);
    await writing;
    await settle();
    expect(destinations()['10.244.2.1:8080']).toBe('-m -w 1');
  });
});

describe('a short cut past policy Local', () => {
  const balancer = { loadBalancerIps: [ip('192.0.2.7')], externalTrafficPolicy: 'Local' } as const;

  test('has a mark of its own, which the kernel keeps', async () => {
    await write(web([A, B], balancer));
    const [entry = ''] = [...(fake.sets.get('KUBE-SHORT-CUT')?.entries.values() ?? [])];
    const number = Number(/skbmark (0x[0-9a-f]+)/.exec(entry)?.[1]);
    expect(Object.keys(destinations('-t 192.0.2.7:80'))).toEqual(['10.244.1.1:8080']);
    expect(Object.keys(destinations(`-f ${number}`))).toEqual(['10.244.1.1:8080', '10.244.2.1:8080']);
    const reader = open();
    expect(isEmptyChange(diffRuleSets(await reader.read(), web([A, B], balancer)))).toBe(true);
  });

  test('two have different marks, and the first keeps its when the other goes and another comes', async () => {
    const one = { targets: [A, B], ...balancer };
    const other = (n: number): Partial<ServiceSketch> => ({
      name: `default/n${n}:`,
      clusterIp: address('IPv4', 'service', n),
      targets: [A, C],
      loadBalancerIps: [address('IPv4', 'balancer', n)],
      externalTrafficPolicy: 'Local',
    });
    const marks = (): readonly string[] => [...fake.servers.keys()].filter((key) => key.startsWith('-f '));
    const steps = [[other(50)], [one, other(50)], [one], [one, other(60)], [one, other(60), other(61)]];
    let known = await driver.read();
    let own: string | undefined;
    for (const step of steps) {
      const rules = rulesOf(step);
      await write(rules, known);
      known = rules;
      expect(marks()).toHaveLength(step.length);
      if (!step.includes(one)) continue;
      const entry = fake.sets.get('KUBE-SHORT-CUT')?.entries.get('192.0.2.7,tcp:80');
      own ??= entry;
      expect(entry).toMatch(/skbmark 0x/);
      expect(entry).toBe(own);
    }
  });
});

describe('virtual servers of others', () => {
  test('one that a Service wants is taken over where it is', async () => {
    await fake.run('ipvsadm', ['--restore'], {
      input: `-A ${WEB} -s wlc\n-a ${WEB} -r 10.0.0.1:80 -m -w 1\n-a ${WEB} -r 10.244.1.1:8080 -m -w 3\n`,
    });
    const rules = web([A, B]);
    await write(rules);
    await clock.advance(10_000);
    expect(fake.servers.get(WEB)?.flags).toBe('-s rr');
    expect(destinations()).toEqual({ '10.244.1.1:8080': '-m -w 1', '10.244.2.1:8080': '-m -w 1' });
    expect(isEmptyChange(diffRuleSets(await driver.read(), rules))).toBe(true);
  });

  test('those in excluded networks are not kube-proxy’s leftovers, even where they look like it', async () => {
    await fake.run('ipset', ['restore'], {
      input: 'create KUBE-NODE-PORT-TCP bitmap:port range 0-65535\nadd KUBE-NODE-PORT-TCP 80\n',
    });
    const keys = ['-t 172.18.0.2:80', '-t 172.19.0.2:80'];
    await fake.run('ipvsadm', ['--restore'], { input: keys.map((key) => `-A ${key} -s rr\n`).join('') });
    driver = open(settingsWith({ excludeCidrs: [cidr('172.18.0.0/16')] }));
    await write(rulesOf([]));
    expect([...fake.servers.keys()]).toEqual(['-t 172.18.0.2:80']);
  });
});

describe('what goes wrong', () => {
  test.each([
    [
      'ipset',
      'ipset restore',
      'ipset v7.17: Error in line 2: Hash is full, cannot add more elements\n',
      'Hash is full',
    ],
    ['ip', 'ip -batch -', 'Error: ipv4: Address already assigned.\nCommand failed -:2\n', 'Address already assigned'],
  ])('%s: the line is named', async (program, call, stderr, words) => {
    fake.override = (made) => (made === call ? { exitCode: 1, stderr } : undefined);
    const writing = write(web([A]), NO_RULES);
    await expect(writing).rejects.toMatchObject({
      code: 'kernel-refused',
      message: expect.stringMatching(`^${program} could not write the rules: ${words}.* \\(line 2: .+\\)$`) as string,
    });
  });

  test('ipvsadm: a complaint is a failure, whatever the exit code', async () => {
    fake.override = (call) => (call === 'ipvsadm --restore' ? { stderr: 'Service already exists\n' } : undefined);
    await expect(write(web([A]))).rejects.toMatchObject({
      code: 'kernel-refused',
      message: 'ipvsadm could not write the rules: Service already exists',
    });
  });

  test('what cannot be read is said', async () => {
    fake.override = (call) =>
      call === 'ipvsadm --save --numeric'
        ? { exitCode: 255, stderr: "Can't initialize ipvs: Protocol not available\n" }
        : undefined;
    await expect(driver.read()).rejects.toMatchObject({ code: 'kernel-unsupported' });
  });

  test('a set that is declared otherwise changes places with a new one', async () => {
    await write(web([A]));
    const set = fake.sets.get('KUBE-CLUSTER-IP');
    if (set !== undefined) set.definition = 'hash:ip,port family inet maxelem 7';
    await write(web([A]));
    expect(fake.sets.get('KUBE-CLUSTER-IP')).toMatchObject({ definition: 'hash:ip,port family inet maxelem 65536' });
    expect([...(fake.sets.get('KUBE-CLUSTER-IP')?.entries.keys() ?? [])]).toEqual(['10.96.0.1,tcp:80']);
    expect(fake.sets.has('KUBE-SWAP')).toBe(false);
  });
});
