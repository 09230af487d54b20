import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { allowLoopbackNodePorts, setOomScoreAdj, setSysctl, tellSettings } from '../../../src/kernel/sysctl.ts';
import { MemoryLog } from '../../support/program-node.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-sysctl-'));
});

afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

describe('setSysctl', () => {
  test('writes what differs', async () => {
    const file = put('proc/sys/net/ipv4/ip_forward', '0\n');
    expect(await setSysctl('net.ipv4.ip_forward', 1, { root })).toEqual({
      name: 'net.ipv4.ip_forward',
      before: '0',
      wanted: '1',
      outcome: 'written',
    });
    expect(readFileSync(file, 'utf8')).toBe('1');
  });

  test('does not write what is right', async () => {
    const file = put('proc/sys/net/ipv4/ip_forward', '1\n');
    chmodSync(file, 0o444);
    expect(await setSysctl('net.ipv4.ip_forward', 1, { root })).toMatchObject({ outcome: 'kept' });
    expect(readFileSync(file, 'utf8')).toBe('1\n');
  });

  test.for([
    ['99', 'written', '100'],
    ['100', 'kept', '100'],
    ['4000', 'kept', '4000'],
  ] as const)('at least 100, from %s: %s', async ([before, outcome, after]) => {
    const file = put('proc/sys/a/b', before);
    expect(await setSysctl('a.b', 100, { root, atLeast: true })).toMatchObject({ before, outcome });
    expect(readFileSync(file, 'utf8')).toBe(after);
  });

  test('takes names with slashes, for interfaces that have dots', async () => {
    put('proc/sys/net/ipv4/conf/eth0.7/rp_filter', '1');
    expect(await setSysctl('net/ipv4/conf/eth0.7/rp_filter', 0, { root })).toMatchObject({ outcome: 'written' });
  });

  test('a setting that is not there is an outcome', async () => {
    expect(await setSysctl('a.b', 1, { root })).toEqual({
      name: 'a.b',
      wanted: '1',
      outcome: 'failed',
      reason: 'this kernel does not have it, or not yet',
    });
  });

  test('a setting that cannot be written says so, with what it is', async () => {
    // The kernel's own: nobody can write it.
    const outcome = await setSysctl('kernel.ostype', 'sluice');
    expect(outcome).toMatchObject({ before: 'Linux', wanted: 'sluice', outcome: 'failed' });
    expect(outcome.reason).toMatch(/^it is not writable from here \(E\w+\)$/);
  });
});

test('route_localnet is the switch for NodePorts on loopback', async () => {
  const file = put('proc/sys/net/ipv4/conf/all/route_localnet', '0');
  expect(await allowLoopbackNodePorts({ root })).toMatchObject({
    name: 'net.ipv4.conf.all.route_localnet',
    outcome: 'written',
  });
  expect(readFileSync(file, 'utf8')).toBe('1');
});

test('the out-of-memory score is that of this process', async () => {
  const file = put('proc/self/oom_score_adj', '0\n');
  expect(await setOomScoreAdj(-999, { root })).toMatchObject({
    name: 'oom_score_adj',
    before: '0',
    outcome: 'written',
  });
  expect(readFileSync(file, 'utf8')).toBe('-999');
  const { before } = await setOomScoreAdj(5000);
  expect(await setOomScoreAdj(5000)).toMatchObject({ before, outcome: 'failed' });
});

test('what was changed is told, what could not be is a warning', () => {
  const { lines, log } = new MemoryLog('info');
  tellSettings(
    [
      { name: 'a.kept', before: '1', wanted: '1', outcome: 'kept' },
      { name: 'a.written', before: '1', wanted: '2', outcome: 'written' },
      {
        name: 'a.failed',
        before: '1',
        wanted: '2',
        outcome: 'failed',
        reason: 'it is not writable from here (EACCES)',
      },
    ],
    log,
  );
  expect(lines.map((line) => line.trimEnd().slice(13))).toEqual([
    'INFO  kernel setting a.written changed  before=1  wanted=2',
    'WARN  cannot change the kernel setting a.failed: it is not writable from here (EACCES)  before=1  wanted=2',
  ]);
});
