import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManifestReader } from '../../../src/source/manifest-reader.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-manifests-'));
});
afterEach(() => rm(folder, { recursive: true }));

const service = (name: string, port = 80) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: { port } });

async function put(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  return path;
}

async function* inputOf(...chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

describe('which files a folder stands for', () => {
  it('takes manifests all the way down, sorted, without hidden names', async () => {
    const names = ['b.yaml', 'a/z.yml', 'a/y.json', '.hidden.yaml', '.git/x.yaml', 'notes.txt', 'yaml'];
    for (const [i, name] of names.entries()) await put(name, service(`svc-${i}`));
    const { objects } = await new ManifestReader([folder], inputOf()).read();
    expect([...objects.values()].map(({ name, origin }) => [name, origin])).toEqual([
      ['default/svc-2', `${join(folder, 'a/y.json')}:1`],
      ['default/svc-1', `${join(folder, 'a/z.yml')}:1`],
      ['default/svc-0', `${join(folder, 'b.yaml')}:1`],
    ]);
  });

  it('follows the links of a mounted ConfigMap, and no link back up', async () => {
    await put('..2024/web.yaml', service('web'));
    await symlink('..2024', join(folder, '..data'));
    await symlink('..data/web.yaml', join(folder, 'web.yaml'));
    await symlink('.', join(folder, 'loop'));
    await symlink('nowhere', join(folder, 'dangling.yaml'));
    const { objects } = await new ManifestReader([folder, folder], inputOf()).read();
    expect([...objects.keys()]).toEqual(['Service default/web']);
  });

  it('takes a file given by name whatever it is called', async () => {
    const path = await put('.odd', service('a'));
    expect((await new ManifestReader([path], inputOf()).read()).objects.size).toBe(1);
  });
});

it('reads standard input once', async () => {
  const reader = new ManifestReader(['-'], inputOf(service('a').slice(0, 20), service('a').slice(20)));
  for (let i = 0; i < 2; i++) {
    const { objects } = await reader.read();
    expect([...objects.values()].map(({ name, origin }) => [name, origin])).toEqual([['default/a', 'stdin:1']]);
  }
});

it('lets the last of two definitions count, and says so', async () => {
  const first = await put('a.yaml', service('web', 80));
  const second = await put('b.yaml', service('web', 81));
  const { objects, problems } = await new ManifestReader([folder], inputOf()).read();
  expect(objects.get('Service default/web')?.json).toMatchObject({ spec: { port: 81 } });
  const message = `is defined again at ${second}:1, which counts`;
  expect(problems).toEqual([
    { kind: 'Service', object: 'default/web', path: '', effect: 'skipped', message, origin: `${first}:1` },
  ]);
});

describe('what cannot be read', () => {
  it('stops the first read: no such path', async () => {
    const reader = new ManifestReader([join(folder, 'none')], inputOf());
    await expect(reader.read()).rejects.toMatchObject({
      code: 'file-unreadable',
      data: { path: join(folder, 'none') },
    });
  });

  it('stops the first read: broken', async () => {
    await put('a.yaml', 'a: [');
    await expect(new ManifestReader([folder], inputOf()).read()).rejects.toMatchObject({ code: 'bad-yaml' });
  });

  it('costs only the news of that file later on', async () => {
    await put('a.yaml', service('a'));
    await put('b.yaml', service('b'));
    const reader = new ManifestReader([folder], inputOf());
    const before = await reader.read();
    await put('a.yaml', 'a: [');
    await put('b.yaml', service('b', 81));
    await put('c.yaml', 'c: [');
    const now = await reader.read({ tolerant: true });
    expect(now.failures.map(({ data }) => data['file'])).toEqual([join(folder, 'a.yaml'), join(folder, 'c.yaml')]);
    expect(now.objects.get('Service default/a')).toBe(before.objects.get('Service default/a'));
    expect(now.objects.get('Service default/b')?.json).toMatchObject({ spec: { port: 81 } });
    await rm(join(folder, 'a.yaml'));
    await put('c.yaml', service('c'));
    const after = await reader.read({ tolerant: true });
    expect(after.failures).toEqual([]);
    expect([...after.objects.keys()]).toEqual(['Service default/b', 'Service default/c']);
  });

  it('keeps the objects of an emptied file when asked to', async () => {
    await put('a.yaml', service('a'));
    const reader = new ManifestReader([folder], inputOf());
    await reader.read();
    await put('a.yaml', '\n');
    for (const [keepEmptied, size] of [
      [true, 1],
      [true, 1],
      [false, 0],
    ] as const) {
      const { objects, emptied } = await reader.read({ keepEmptied });
      expect([objects.size, emptied]).toEqual([size, [join(folder, 'a.yaml')]]);
    }
    expect((await reader.read({ keepEmptied: true })).emptied).toEqual([]);
  });
});
