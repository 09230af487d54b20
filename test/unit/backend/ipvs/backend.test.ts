import { beforeEach, describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import type { Backend } from '../../../../src/backend/contract.ts';
import { iptablesBackend } from '../../../../src/backend/iptables/backend.ts';
import { ipvsBackend, setTimeouts } from '../../../../src/backend/ipvs/backend.ts';
import { DEFAULT_IPVS } from '../../../../src/backend/ipvs/render.ts';
import { diffRuleSets, NO_RULES } from '../../../../src/backend/rules.ts';
import { SluiceError } from '../../../../src/base/errors.ts';
import type { CommandResult } from '../../../../src/kernel/command.ts';
import { kernelFamilies } from '../../../../src/kernel/families.ts';
import { FakeIpvs } from '../../../support/fake-ipvs.ts';
import { leaveForeign, leaveKubeProxyIpvs } from '../../../support/kube-proxy-ipvs.ts';
import { KUBE_PROXY_RULES } from '../../../support/kube-proxy-rules.ts';
import { nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

const backend: Backend = ipvsBackend;
const settings = { masqueradeBit: 14, conntrackBeLiberal: false };

const NODE = nodePlan('IPv4', { interfaceAddresses: [] });
const SERVICE = servicePlan(sketch('IPv4', { targets: [target('10.244.1.1', 8080)] }), NODE);
const PLAN = planOf('IPv4', [SERVICE], NODE);
const { rules: RULES } = assemble(backend.spelling(settings), PLAN);

let fake: FakeIpvs;

beforeEach(() => {
  fake = new FakeIpvs();
});

async function writeOurs(): Promise<void> {
  const driver = backend.openDriver({ family: 'IPv4', runner: fake, settings });
  await driver.apply(diffRuleSets(await driver.read(), RULES), RULES);
  await driver.close();
}

function savedRules(): string {
  return fake.iptables.tables('iptables', 'nf_tables').save();
}

test('the text for an empty node has a part for each tool', () => {
  const text = backend.text(PLAN, diffRuleSets(NO_RULES, RULES), settings);
  expect(text.match(/^# .*$/gm)).toEqual([
    '# ipset restore',
    '# ipvsadm --restore',
    '# ip -batch -',
    '# iptables-restore --noflush',
  ]);
  expect(text).toContain('-a -t 10.96.0.1:80 -r 10.244.1.1:8080 -m -w 1\n');
});

describe('probe', () => {
  test('says what there is', async () => {
    expect(await backend.probe(fake)).toMatchObject({
      description: 'ipvsadm, ipset 7.17, iptables 1.8.9 (nf_tables)',
      families: kernelFamilies(),
    });
  });

  test('a kernel without IPVS is refused, with a way out', async () => {
    const stderr =
      "Can't initialize ipvs: Protocol not available\nAre you sure that IP Virtual Server is built in the kernel or as module?\n";
    fake.override = (call) => (call.startsWith('ipvsadm') ? { exitCode: 255, stderr } : undefined);
    await expect(backend.probe(fake)).rejects.toMatchObject({
      code: 'kernel-unsupported',
      message: 'this kernel has no IPVS (IP Virtual Server)',
      hint: expect.stringMatching(/modprobe ip_vs .*--proxy-mode nftables/) as string,
    });
  });

  test('so is a user without rights', async () => {
    const stderr = "Can't initialize ipvs: Permission denied (you must be root)\n";
    fake.override = (call) => (call.startsWith('ipvsadm') ? { exitCode: 255, stderr } : undefined);
    await expect(backend.probe(fake)).rejects.toMatchObject({ code: 'permission-denied' });
  });

  test('and a node without the tools', async () => {
    fake.override = (call) => {
      if (!call.startsWith('ipset')) return undefined;
      throw new SluiceError({ code: 'command-missing', message: 'no ipset', hint: 'install it' });
    };
    await expect(backend.probe(fake)).rejects.toMatchObject({
      code: 'command-missing',
      hint: expect.stringMatching(/^install it, or .*--proxy-mode nftables/) as string,
    });
  });
});

describe('prepare', () => {
  // What sets sysctls is not for a test on the machine itself.
  const prepare = (scheduler = 'rr') => backend.prepare?.(fake, { ...settings, ipvs: { ...DEFAULT_IPVS, scheduler } });

  test('tries everything, and leaves the device only', async () => {
    await prepare();
    expect(fake.calls.filter(({ call }) => call.endsWith('restore'))).not.toEqual([]);
    expect([fake.sets.size, fake.servers.size, [...(fake.addresses ?? ['none'])]]).toEqual([0, 0, []]);
    expect(savedRules()).not.toContain('KUBE-');
  });

  test.each<[string, (call: string, input: string) => Partial<CommandResult> | undefined, RegExp]>([
    [
      'a dummy device',
      (call) => (call === 'ip -batch -' ? { exitCode: 1, stderr: 'Error: Unknown device type.\n' } : undefined),
      /no a dummy device|module dummy/,
    ],
    [
      'a type of ipset',
      (call) =>
        call === 'ipset restore'
          ? { exitCode: 1, stderr: 'ipset v7.17: Error in line 1: set type not supported\n' }
          : undefined,
      /ip_set_hash/,
    ],
    [
      'the match for IPVS',
      (call) =>
        /^iptables.*-restore/.test(call) ? { exitCode: 2, stderr: 'iptables-restore: line 3 failed\n' } : undefined,
      /xt_ipvs/,
    ],
  ])('without %s nothing is begun', async (_what, override, message) => {
    fake.override = (call) => override(call, '');
    await expect(prepare()).rejects.toMatchObject({ code: 'kernel-unsupported', message });
    expect([fake.sets.size, fake.servers.size, fake.addresses]).toEqual([0, 0, undefined]);
  });

  test('a scheduler that the kernel does not have is named', async () => {
    await expect(prepare('nosuch')).rejects.toMatchObject({
      code: 'kernel-unsupported',
      message: 'the kernel has no IPVS scheduler nosuch',
      hint: expect.stringContaining('ip_vs_nosuch') as string,
    });
  });
});

describe('timeouts', () => {
  test('are set when one is wanted', async () => {
    fake.override = (call) => (call.startsWith('ipvsadm --set') ? {} : undefined);
    expect(await setTimeouts(fake, { tcp: 0, tcpFin: 0, udp: 0 })).toEqual([]);
    expect(await setTimeouts(fake, { tcp: 900, tcpFin: 0, udp: 0 })).toMatchObject([
      { wanted: '900 0 0', outcome: 'written' },
    ]);
    expect(fake.calls.map(({ call }) => call)).toEqual(['ipvsadm --set 900 0 0']);
  });

  test('that cannot be set are said', async () => {
    fake.override = () => ({ exitCode: 255, stderr: 'Operation not permitted\n' });
    const [outcome] = await setTimeouts(fake, { tcp: 0, tcpFin: 0, udp: 30 });
    expect(outcome).toMatchObject({ outcome: 'failed', reason: 'Operation not permitted' });
  });
});

describe('cleanup', () => {
  test('removes what is ours or kube-proxy’s, nothing else', async () => {
    await leaveForeign(fake);
    const servers = [...fake.servers.keys()];
    const sets = [...fake.sets.keys()];
    await leaveKubeProxyIpvs(fake, 'IPv4');
    await writeOurs();
    const removed = await backend.cleanup(fake);
    expect(removed).toEqual([
      'iptables-nft table filter: 6 chains and the jumps to them from 2 built-in chains',
      'iptables-nft table nat: 5 chains and the jumps to them from 3 built-in chains',
      'iptables-nft table mangle: 4 chains and the jumps to them from 3 built-in chains',
      'IPv4: 1 virtual servers',
      'IPv4: 1 addresses of kube-ipvs0',
      'IPv4: 22 ipsets',
      'device kube-ipvs0',
    ]);
    expect([[...fake.servers.keys()], [...fake.sets.keys()], fake.addresses]).toEqual([servers, sets, undefined]);
    expect(await backend.cleanup(fake)).toEqual([]);
  });

  test('does not load IPVS where it is not', async () => {
    fake.override = (call) => {
      if (call.startsWith('cat ')) return { exitCode: 1 };
      if (call.startsWith('ipvsadm')) throw new Error('asked');
      return undefined;
    };
    expect(await backend.cleanup(fake)).toEqual([]);
  });

  test('has nothing to do where the kernel knows no ipsets', async () => {
    const stderr = 'ipset v7.17: Cannot open session to kernel.\n';
    fake.override = (call) => (call === 'ipset save' ? { exitCode: 1, stderr } : undefined);
    expect(await backend.cleanup(fake)).toEqual([]);
  });

  test('leaves chains that the iptables mode has under the same names', async () => {
    await writeOurs();
    fake.iptables
      .tables('iptables', 'nf_tables')
      .restore(KUBE_PROXY_RULES.replace(/^-A (?:PREROUTING|OUTPUT|POSTROUTING|INPUT|FORWARD) .*\n/gm, ''));
    const removed = await backend.cleanup(fake);
    expect(removed.join()).toMatch(/nat: 2 chains/);
    expect(savedRules()).toMatch(/^-A PREROUTING .*-j KUBE-SERVICES$/m);
    expect(savedRules()).toMatch(/^-A KUBE-SERVICES .*-j KUBE-NODEPORTS$/m);
    expect(savedRules()).not.toMatch(/KUBE-IPVS|match-set/);
    expect(fake.sets.size).toBe(0);
  });
});

describe('the iptables backend beside it', () => {
  test('removes its own chains, and leaves those that ipvs mode uses', async () => {
    fake.iptables.tables('iptables', 'nf_tables').restore(KUBE_PROXY_RULES);
    await writeOurs();
    const driver = backend.openDriver({ family: 'IPv4', runner: fake, settings });
    await iptablesBackend.cleanup(fake.iptables);
    expect(diffRuleSets(await driver.read(), RULES)).toEqual({ objects: [], members: [] });
    expect(savedRules()).not.toMatch(/KUBE-(?:SVC|SEP|EXT-|NODEPORTS|EXTERNAL-SERVICES)/);
    await driver.close();
  });
});
