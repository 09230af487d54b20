import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ObjectEvent } from '../../../src/model/store.ts';
import { ManifestReader } from '../../../src/source/manifest-reader.ts';
import { ManifestWatcher } from '../../../src/source/manifest-watcher.ts';

let folder = '';
let watcher: ManifestWatcher | undefined;
let batches: string[][] = [];
let failures: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-watch-'));
  batches = [];
  failures = [];
});
afterEach(async () => {
  await watcher?.stop();
  await rm(folder, { recursive: true });
});

const service = (name: string, port = 80) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { port } });
const path = (name: string) => join(folder, name);

function brief({ name, json }: ObjectEvent): string {
  const { spec } = (json ?? {}) as { spec?: { port: number } };
  return `${name} ${spec?.port ?? 'gone'}`;
}

/** Begins to watch, and waits until the watches are known to be in place. */
async function follow(...paths: readonly string[]): Promise<void> {
  const reader = new ManifestReader(paths, (async function* none() {})());
  const initial = await reader.read();
  const read = vi.spyOn(reader, 'read');
  const onChange = (events: readonly ObjectEvent[]) => batches.push(events.map(brief));
  watcher = new ManifestWatcher({ reader, onChange, onFailure: ({ message }) => failures.push(message) }, initial);
  await vi.waitFor(() => expect(read.mock.settledResults[0]?.type).toBe('fulfilled'));
}

/** Waits for so many events, in one batch or several. */
async function nextEvents(count = 1): Promise<readonly string[]> {
  await vi.waitFor(() => expect(batches.flat().length).toBeGreaterThanOrEqual(count), { timeout: 5000 });
  const events = batches.flat();
  batches = [];
  return events;
}

describe('notices', () => {
  it('an edit in place, and tells only of the object that changed', async () => {
    await writeFile(path('a.yaml'), `${service('a')}\n---\n${service('b')}`);
    await follow(folder);
    await writeFile(path('a.yaml'), `${service('a')}\n---\n${service('b', 81)}`);
    expect(await nextEvents()).toEqual(['default/b 81']);
  });

  it('an editor that replaces the file, more than once', async () => {
    await writeFile(path('a.yaml'), service('a'));
    await follow(path('a.yaml'));
    for (const port of [81, 82]) {
      await writeFile(path('a.yaml.tmp'), service('a', port));
      await rename(path('a.yaml.tmp'), path('a.yaml'));
      expect(await nextEvents()).toEqual([`default/a ${port}`]);
    }
  });

  it('the swapped link of a ConfigMap update', async () => {
    for (const [i, dir] of ['..1', '..2', '..3'].entries()) {
      await mkdir(path(dir));
      await writeFile(path(`${dir}/a.yaml`), service('a', 81 + i));
    }
    await symlink('..1', path('..data'));
    await symlink('..data/a.yaml', path('a.yaml'));
    await follow(path('a.yaml'));
    for (const [dir, port] of [
      ['..2', 82],
      ['..3', 83],
    ] as const) {
      await symlink(dir, path('..next'));
      await rename(path('..next'), path('..data'));
      expect(await nextEvents()).toEqual([`default/a ${port}`]);
    }
  });

  it('files in new folders, and files that go', async () => {
    await follow(folder);
    await mkdir(path('new'));
    await writeFile(path('new/a.yaml'), service('a'));
    expect(await nextEvents()).toEqual(['default/a 80']);
    await writeFile(path('new/a.yaml'), service('a', 81));
    expect(await nextEvents()).toEqual(['default/a 81']);
    await rm(path('new'), { recursive: true });
    expect(await nextEvents()).toEqual(['default/a gone']);
  });

  it('a change that came between reading and watching', async () => {
    await writeFile(path('a.yaml'), service('a'));
    const reader = new ManifestReader([folder], (async function* none() {})());
    const initial = await reader.read();
    await writeFile(path('a.yaml'), service('a', 81));
    const onChange = (events: readonly ObjectEvent[]) => batches.push(events.map(brief));
    watcher = new ManifestWatcher({ reader, onChange, onFailure: () => {} }, initial);
    expect(await nextEvents()).toEqual(['default/a 81']);
  });
});

it('keeps the last good state of a broken file, and complains once', async () => {
  await writeFile(path('a.yaml'), service('a'));
  await follow(folder);
  await writeFile(path('a.yaml'), 'a: [');
  await vi.waitFor(() => expect(failures).toHaveLength(1));
  await writeFile(path('b.yaml'), service('b'));
  expect(await nextEvents()).toEqual(['default/b 80']);
  expect(failures).toHaveLength(1);
  await writeFile(path('a.yaml'), service('a', 81));
  expect(await nextEvents()).toEqual(['default/a 81']);
});

it('waits with an emptied file: its content may be on the way', async () => {
  await writeFile(path('a.yaml'), service('a'));
  await writeFile(path('b.yaml'), service('b'));
  await follow(folder);
  await writeFile(path('a.yaml'), '');
  await writeFile(path('b.yaml'), '');
  await new Promise((resolve) => {
    setTimeout(resolve, 200);
  });
  await writeFile(path('a.yaml'), service('a', 81));
  expect(await nextEvents(2)).toEqual(['default/a 81', 'default/b gone']);
});

it('makes one batch of changes that come together', async () => {
  await follow(folder);
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeFile(path(`${i}.yaml`), service(`svc-${i}`))));
  await vi.waitFor(() => expect(batches.flat()).toHaveLength(20));
  expect(batches.length).toBeLessThanOrEqual(3);
});

it('says nothing after stop', async () => {
  await writeFile(path('a.yaml'), service('a'));
  await follow(folder);
  await writeFile(path('a.yaml'), service('a', 81));
  await watcher?.stop();
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  expect(batches).toEqual([]);
});
