import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sluice, SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, nftTables, run, savedAll, writeKubeletRules } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import type { ProgramService } from '../support/program-objects.ts';
import { manifestOf, TOPOLOGY } from '../support/program-objects.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const WEB = { name: 'web', id: 10, pods: ['pod-b', 'remote-a'] };
const STICKY = { name: 'sticky', id: 11, pods: ['pod-c', 'remote-b'], spec: { sessionAffinity: 'ClientIP' } };
const NEW = { name: 'new', id: 12, pods: [] };

const STOP_LIMIT_MS = 5000;

let folder: string;
let manifest: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-run-'));
  manifest = join(folder, 'cluster.json');
});

afterEach(async () => {
  await SluiceCommand.killAll();
  await emptyMachine();
  await rm(folder, { recursive: true });
});

/** As editors and ConfigMaps do it: the file is replaced by another. */
async function write(services: readonly ProgramService[]): Promise<void> {
  const draft = join(folder, '.draft');
  await writeFile(draft, manifestOf(services));
  await rename(draft, manifest);
}

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  const common = ['--backend', variant.backend.name, '--cluster-cidr', Object.values(TOPOLOGY.clusterCidrs).join(',')];
  const from = (path: string): readonly string[] => [...common, '--manifests', path];

  beforeEach(() => writeKubeletRules(variant.iptables ?? 'nf_tables'));

  /** What the kernel has otherwise than Services want. */
  async function differences(services: readonly ProgramService[]): Promise<readonly string[]> {
    const node = new ProgramNode(variant, services);
    try {
      return await node.differences();
    } finally {
      await node.stop();
    }
  }

  /** @returns how long it took until the kernel had the rules for these Services. */
  async function until(services: readonly ProgramService[]): Promise<number> {
    const startedAt = performance.now();
    while ((await differences(services)).length > 0) {
      if (performance.now() - startedAt > 30_000) expect(await differences(services)).toEqual([]);
      await sleep(10);
    }
    return performance.now() - startedAt;
  }

  test('run, diff and cleanup agree with each other and say so by their exit codes', async () => {
    const before = await savedAll();
    await write([WEB, STICKY]);
    expect(await sluice(['diff', ...from(manifest)])).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining('+ demo/web:tcp'),
    });
    expect(await sluice(['run', ...from(manifest)])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('rules written'),
    });
    expect(await differences([WEB, STICKY])).toEqual([]);
    expect(await sluice(['diff', ...from(manifest)])).toEqual({
      exitCode: 0,
      stdout: `no differences (${variant.backend.name}, against kernel)\n`,
      stderr: '',
    });
    const again = await sluice(['run', ...from(manifest)]);
    expect(again.exitCode).toBe(0);
    expect(again.stderr).not.toContain('rules written');

    await write([{ ...WEB, pods: ['remote-a'] }, STICKY, NEW]);
    const changed = await sluice(['diff', '-o', 'json', ...from(manifest)]);
    expect(changed).toMatchObject({ exitCode: 1, stderr: '' });
    expect(JSON.parse(changed.stdout)).toMatchObject({ different: true, against: 'kernel', badObjects: [] });
    expect(changed.stdout).toContain('demo/new:udp');
    expect(changed.stdout).not.toContain('demo/sticky');
    expect(await differences([WEB, STICKY])).toEqual([]);

    const removed = await sluice(['cleanup']);
    expect(removed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^removed /) });
    expect(await savedAll()).toEqual(before);
    expect(await nftTables()).toEqual([]);
    expect(await sluice(['cleanup'])).toMatchObject({ exitCode: 0, stdout: 'there was nothing to remove\n' });
  });

  test('what render prints is what run writes', async () => {
    for (const family of ['IPv4', 'IPv6']) {
      const { exitCode, stdout } = await sluice(['render', '--family', family, ...from('-')], {
        input: manifestOf([WEB, STICKY]),
      });
      expect(exitCode).toBe(0);
      if (variant.iptables === undefined) await run('nft', ['-f', '-'], stdout);
      else await run(restoreProgram(variant.iptables, family), ['--noflush'], stdout);
    }
    expect(await differences([WEB, STICKY])).toEqual([]);
  });

  test('--watch follows edits, survives broken ones, and leaves the rules when it is ended', async () => {
    await write([WEB]);
    const command = new SluiceCommand(['run', '--watch', ...from(manifest)]);
    await command.said('following the manifests');
    await until([WEB]);
    const tookMs: number[] = [];
    for (const services of [[WEB, STICKY], [{ ...WEB, pods: ['pod-d'] }, STICKY], [STICKY], [WEB, STICKY, NEW]]) {
      await write(services);
      tookMs.push(await until(services));
    }
    expect(Math.min(...tookMs)).toBeLessThan(1000);

    await writeFile(manifest, '{ "kind": ');
    await command.said(' ERROR ');
    expect(await differences([WEB, STICKY, NEW])).toEqual([]);
    await write([WEB, NEW]);
    await until([WEB, NEW]);

    const stoppedAt = performance.now();
    expect(await command.signal('SIGTERM')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(performance.now() - stoppedAt).toBeLessThan(STOP_LIMIT_MS);
    expect(await differences([WEB, NEW])).toEqual([]);

    const second = new SluiceCommand(['run', '--watch', '-v', 'debug', ...from(manifest)]);
    await second.said('rules are up to date', 2);
    expect(await second.signal('SIGINT')).toMatchObject({ exitCode: 0 });
    expect(second.stderr).not.toContain('rules written');
    expect(await differences([WEB, NEW])).toEqual([]);
  });

  test('rules that somebody removed come back with the next comparison', async () => {
    await write([WEB, STICKY]);
    const command = new SluiceCommand(['run', '--watch', '--sync-period', '300ms', ...from(manifest)]);
    await until([WEB, STICKY]);
    await emptyMachine();
    await writeKubeletRules(variant.iptables ?? 'nf_tables');
    await until([WEB, STICKY]);
    expect(await command.signal('SIGTERM')).toMatchObject({ exitCode: 0 });
  });

  test('manifests from standard input, with objects that cannot be used among them', async () => {
    const bad = { ...NEW, spec: { clusterIP: '10.96.0.400', clusterIPs: ['10.96.0.400'] } };
    const input = manifestOf([WEB, bad, STICKY]);
    const { exitCode, stderr } = await sluice(['run', ...from('-')], { input });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/ WARN .*demo\/new.*10\.96\.0\.400/);
    expect(await differences([WEB, bad, STICKY])).toEqual([]);
    expect(await differences([WEB, STICKY])).toEqual([]);
    expect(await sluice(['diff', '--strict', ...from('-')], { input })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('(bad-object)'),
    });
  });
});

function restoreProgram(variant: 'nf_tables' | 'legacy', family: string): string {
  return `${family === 'IPv4' ? 'iptables' : 'ip6tables'}${variant === 'legacy' ? '-legacy' : '-nft'}-restore`;
}
