import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyIpvsSettings } from '../../../src/kernel/ipvs-settings.ts';

const FILES = {
  'net/ipv4/vs/conntrack': '0',
  'net/ipv4/vs/conn_reuse_mode': '1',
  'net/ipv4/vs/expire_nodest_conn': '0',
  'net/ipv4/vs/expire_quiescent_template': '0',
  'net/ipv4/ip_forward': '0',
  'net/ipv4/conf/all/arp_ignore': '0',
  'net/ipv4/conf/all/arp_announce': '0',
};

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-ipvs-'));
  for (const [file, content] of Object.entries(FILES)) {
    const path = join(root, 'proc/sys', file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function values(): Record<string, string> {
  const read = (file: string): string => readFileSync(join(root, 'proc/sys', file), 'utf8');
  return Object.fromEntries(Object.keys(FILES).map((file) => [file, read(file)]));
}

const USUAL = {
  'net/ipv4/vs/conntrack': '1',
  'net/ipv4/vs/expire_nodest_conn': '1',
  'net/ipv4/vs/expire_quiescent_template': '1',
  'net/ipv4/ip_forward': '1',
};

test.each([
  ['as kube-proxy sets it', { strictArp: false, release: '6.1.0' }, USUAL],
  [
    'strictARP',
    { strictArp: true, release: '6.1.0' },
    { ...USUAL, 'net/ipv4/conf/all/arp_ignore': '1', 'net/ipv4/conf/all/arp_announce': '2' },
  ],
  ['before Linux 5.9', { strictArp: false, release: '5.4.0-42' }, { ...USUAL, 'net/ipv4/vs/conn_reuse_mode': '0' }],
  ['Linux 5.9', { strictArp: false, release: '5.9.1' }, USUAL],
  ['before Linux 4.1', { strictArp: false, release: '3.10.0-1160' }, USUAL],
])('%s', async (_title, { strictArp, release }, changed) => {
  const outcomes = await applyIpvsSettings({ strictArp, release }, { root });
  expect(values()).toEqual({ ...FILES, ...changed });
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(Object.keys(changed).map(() => 'written'));
});

test('what the kernel does not have is said', async () => {
  rmSync(join(root, 'proc/sys/net/ipv4/vs'), { recursive: true });
  const outcomes = await applyIpvsSettings({ strictArp: false }, { root });
  expect(outcomes.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name)).toContain(
    'net.ipv4.vs.conntrack',
  );
});
