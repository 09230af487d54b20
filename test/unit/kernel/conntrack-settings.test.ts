import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConntrackSettings } from '../../../src/kernel/conntrack-settings.ts';
import { applyConntrackSettings, countCpus, wantedTableSize } from '../../../src/kernel/conntrack-settings.ts';

/** What kube-proxy has without a configuration. */
const DEFAULTS: ConntrackSettings = {
  maxPerCore: 32_768,
  min: 131_072,
  tcpEstablishedTimeoutMs: 86_400_000,
  tcpCloseWaitTimeoutMs: 3_600_000,
  tcpBeLiberal: false,
  udpTimeoutMs: 0,
  udpStreamTimeoutMs: 0,
};

const OF_THE_KERNEL = {
  nf_conntrack_max: '65536',
  nf_conntrack_buckets: '16384',
  nf_conntrack_tcp_timeout_established: '432000',
  nf_conntrack_tcp_timeout_close_wait: '60',
  nf_conntrack_tcp_be_liberal: '0',
  nf_conntrack_udp_timeout: '30',
  nf_conntrack_udp_timeout_stream: '120',
};

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-conntrack-'));
  for (const [name, value] of Object.entries(OF_THE_KERNEL)) put(`proc/sys/net/netfilter/${name}`, value);
});

afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** The settings as they are now, where they differ from the kernel's. */
function changed(): Readonly<Record<string, string>> {
  const values = Object.entries(OF_THE_KERNEL).map(([name, before]) => {
    const now = readFileSync(join(root, 'proc/sys/net/netfilter', name), 'utf8');
    return [name.replace('nf_conntrack_', ''), now === before ? '' : now] as const;
  });
  return Object.fromEntries(values.filter(([, now]) => now !== ''));
}

describe('wantedTableSize', () => {
  test.for([
    [32_768, 131_072, 4, 131_072],
    [32_768, 131_072, 8, 262_144],
    [32_768, 131_072, 32, 1_048_576],
    [32_768, 131_072, 96, 1_048_576],
    [32_768, 2_000_000, 4, 2_000_000],
    [32_768, 2_000_000, 96, 1_048_576],
    [0, 131_072, 8, 0],
    [1, 0, 4, 4],
  ] as const)('%d per core, at least %d, %d cores: %d', ([maxPerCore, min, cpuCount, size]) => {
    expect(wantedTableSize({ maxPerCore, min }, cpuCount)).toBe(size);
  });
});

describe('applyConntrackSettings', () => {
  test('the defaults of kube-proxy', async () => {
    const outcomes = await applyConntrackSettings(DEFAULTS, { root, cpuCount: 8 });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['written', 'written', 'written', 'written']);
    expect(changed()).toEqual({
      max: '262144',
      buckets: '65536',
      tcp_timeout_established: '86400',
      tcp_timeout_close_wait: '3600',
    });
  });

  test('everything set', async () => {
    const settings = { ...DEFAULTS, maxPerCore: 0, tcpBeLiberal: true, udpTimeoutMs: 5500, udpStreamTimeoutMs: 250 };
    await applyConntrackSettings({ ...settings, tcpEstablishedTimeoutMs: 0 }, { root, cpuCount: 8 });
    expect(changed()).toEqual({
      tcp_timeout_close_wait: '3600',
      tcp_be_liberal: '1',
      udp_timeout: '5',
      udp_timeout_stream: '1',
    });
  });

  test('a larger table stays, and so do its buckets', async () => {
    put('proc/sys/net/netfilter/nf_conntrack_max', '4000000');
    put('proc/sys/net/netfilter/nf_conntrack_buckets', '1000000');
    const [max, buckets] = await applyConntrackSettings(DEFAULTS, { root, cpuCount: 8 });
    expect(max).toEqual({
      name: 'net.netfilter.nf_conntrack_max',
      before: '4000000',
      wanted: '262144',
      outcome: 'kept',
    });
    expect(buckets).toMatchObject({ before: '1000000', outcome: 'kept' });
    expect(changed()).toMatchObject({ max: '4000000', buckets: '1000000' });
  });

  test('what cannot be set does not keep the rest from being set', async () => {
    rmSync(join(root, 'proc/sys/net/netfilter/nf_conntrack_max'));
    const outcomes = await applyConntrackSettings(DEFAULTS, { root, cpuCount: 8 });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['failed', 'written', 'written', 'written']);
  });
});

describe('countCpus', () => {
  test.for([
    ['0\n', 1],
    ['0-7\n', 8],
    ['0-3,8-11,16\n', 9],
  ] as const)('%j: %d', async ([online, count]) => {
    put('sys/devices/system/cpu/online', online);
    expect(await countCpus(root)).toBe(count);
  });

  test('without a list, those that Node sees', async () => {
    expect(await countCpus(root)).toBe(cpus().length);
  });

  test('settings are for the CPUs of the machine', async () => {
    put('sys/devices/system/cpu/online', '0-15');
    await applyConntrackSettings(DEFAULTS, { root });
    expect(changed()['max']).toBe('524288');
  });
});
