import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigFileWatcher } from '../../../src/config/file-watcher.ts';
import { digestOf } from '../../../src/config/load.ts';

const SETTLE_MS = 20;
/** Long enough for two looks after a change, on a busy machine. */
const QUIET_MS = 400;

let folder = '';
let path = '';
let changes = 0;
const watchers: ConfigFileWatcher[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
  path = join(folder, 'config.conf');
  changes = 0;
});

afterEach(() => {
  for (const watcher of watchers.splice(0)) watcher.stop();
  rmSync(folder, { recursive: true });
});

/** Watches from what is there now. */
async function start(more: { readonly pollMs?: number; readonly digest?: string } = {}): Promise<ConfigFileWatcher> {
  const watcher = new ConfigFileWatcher({
    path,
    digest: more.digest ?? digestOf(readFileSync(path, 'utf8')),
    onChange: () => (changes += 1),
    settleMs: SETTLE_MS,
    pollMs: more.pollMs ?? 60_000,
  });
  watchers.push(watcher);
  await sleep(50);
  return watcher;
}

/** How many changes were told, once there are as many as are expected and no more follow. */
async function told(expected: number): Promise<number> {
  await vi.waitUntil(() => changes >= expected, { timeout: 3000, interval: 5 }).catch(() => {});
  await sleep(QUIET_MS);
  return changes;
}

/** A volume as the kubelet makes one: `config.conf` → `..data/config.conf`, `..data` → a folder of its own per version. */
function updateVolume(version: string): void {
  mkdirSync(join(folder, `..${version}`));
  writeFileSync(join(folder, `..${version}`, 'config.conf'), `version: ${version}\n`);
  symlinkSync(`..${version}`, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
}

describe('tells once', () => {
  it('that the file was written', async () => {
    writeFileSync(path, 'a: 1\n');
    await start();
    writeFileSync(path, 'a: 2\n');
    expect(await told(1)).toBe(1);
    writeFileSync(path, 'a: 3\n');
    expect(await told(2)).toBe(2);
  });

  it('that another took its place', async () => {
    writeFileSync(path, 'a: 1\n');
    await start();
    writeFileSync(`${path}.new`, 'a: 2\n');
    renameSync(`${path}.new`, path);
    expect(await told(1)).toBe(1);
  });

  it('that a ConfigMap was updated, each time', async () => {
    updateVolume('1');
    symlinkSync('..data/config.conf', path);
    await start();
    updateVolume('2');
    rmSync(join(folder, '..1'), { recursive: true });
    expect(await told(1)).toBe(1);
    updateVolume('3');
    expect(await told(2)).toBe(2);
  });

  it('that it came back with other content', async () => {
    writeFileSync(path, 'a: 1\n');
    await start();
    rmSync(path);
    expect(await told(0)).toBe(0);
    writeFileSync(path, 'a: 2\n');
    expect(await told(1)).toBe(1);
  });

  it('what happened before it was watched', async () => {
    writeFileSync(path, 'a: 1\n');
    await start({ digest: digestOf('a: 0\n') });
    expect(await told(1)).toBe(1);
  });

  it('that the file changed in a folder that nobody watches', async () => {
    const far = mkdtempSync(join(tmpdir(), 'sluice-far-'));
    writeFileSync(join(far, 'one'), 'a: 1\n');
    writeFileSync(join(far, 'two'), 'a: 2\n');
    mkdirSync(join(folder, 'links'));
    symlinkSync(join(far, 'one'), join(folder, 'links', 'current'));
    symlinkSync('links/current', path);
    await start({ pollMs: 50 });
    rmSync(join(folder, 'links', 'current'));
    symlinkSync(join(far, 'two'), join(folder, 'links', 'current'));
    expect(await told(1)).toBe(1);
    rmSync(far, { recursive: true });
  });
});

describe('says nothing', () => {
  it('when the content is the same', async () => {
    writeFileSync(path, 'a: 1\n');
    await start();
    writeFileSync(path, 'a: 1\n');
    writeFileSync(join(folder, 'other'), 'a: 2\n');
    expect(await told(0)).toBe(0);
  });

  it('while the file is empty', async () => {
    writeFileSync(path, 'a: 1\n');
    await start();
    writeFileSync(path, '');
    expect(await told(0)).toBe(0);
    writeFileSync(path, 'a: 1\n');
    expect(await told(0)).toBe(0);
  });

  it('when it was stopped', async () => {
    writeFileSync(path, 'a: 1\n');
    const watcher = await start({ pollMs: 20 });
    writeFileSync(path, 'a: 2\n');
    watcher.stop();
    expect(await told(0)).toBe(0);
  });
});
