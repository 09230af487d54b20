import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { copiesOf, isInContext, parseDockerfile, stagesOf } from '../../support/dockerfile.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const instructions = parseDockerfile(read('Dockerfile'));
const [build, final, another] = stagesOf(instructions);

/** A program that sluice starts → the Debian package that brings it; `undefined` when each Debian image has it. */
const PACKAGE_OF: Readonly<Record<string, string | undefined>> = {
  nft: 'nftables',
  iptables: 'iptables',
  ipset: 'ipset',
  ipvsadm: 'ipvsadm',
  conntrack: 'conntrack',
  ip: 'iproute2',
  modprobe: 'kmod',
  perl: undefined,
  cat: undefined,
  sh: undefined,
  unshare: undefined,
  // Only where systemd has started sluice.
  'systemd-notify': undefined,
};

/** What no program's name stands for: nft reads the names of protocols in /etc/protocols. */
const DATA_PACKAGES = ['netbase'];

/** Programs by their name where the sources start them; what only benchmarks need is not for a node. */
function programsOfSources(): readonly string[] {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.startsWith('src/bench/'));
  const sources = files.map(read);
  const names = sources.flatMap((text) => [
    ...text.matchAll(/(?:[rR]un(?:ner\.run)?\(|file: |InForeground\()'([\w-]+)'/g),
  ]);
  return [...new Set(names.map(([, name = '']) => name))];
}

function installed(): readonly string[] {
  const [, names = ''] = /apt-get install ((?:--?[\w-]+ |[a-z0-9]+ )+)&&/.exec(textOf('RUN')) ?? [];
  return names.split(' ').filter((word) => word !== '' && !word.startsWith('-'));
}

function textOf(keyword: string): string {
  return (final?.instructions ?? [])
    .filter((instruction) => instruction.keyword === keyword)
    .map(({ text }) => text)
    .join('\n');
}

describe('Dockerfile', () => {
  test('has two stages on one image: of Node as package.json wants it, and of Debian as the tests run on', () => {
    expect(another).toBeUndefined();
    expect(build?.base).toBe(final?.base);
    const [, major] = /^node:(\d+)-bookworm-slim$/.exec(final?.base ?? '') ?? [];
    expect(`>=${major}`).toBe(packageJson.engines.node);
  });

  test('copies what there is, in the checkout and in the context that the engine gets', () => {
    if (build === undefined || final === undefined) throw new Error('stages are missing');
    const fromContext = copiesOf(build).flatMap(({ sources }) => sources.filter((path) => path !== '.'));
    const fromBuild = copiesOf(final).flatMap(({ from, sources }) => {
      expect(from).toBe(build.name);
      return sources.map((path) => path.replace('/src/', '')).filter((path) => path !== 'dist/sluice.mjs');
    });
    for (const path of [...fromContext, ...fromBuild, 'src', 'tsconfig.json', '.ci/build.ts']) {
      expect({ path, exists: existsSync(join(root, path)) }).toEqual({ path, exists: true });
      expect({ path, sent: isInContext(read('.dockerignore'), path) }).toEqual({ path, sent: true });
    }
    expect(isInContext(read('.dockerignore'), 'node_modules')).toBe(false);
    expect(isInContext(read('.dockerignore'), '.git')).toBe(false);
  });

  test('installs the packages of the programs that the sources start, and no other', () => {
    const programs = programsOfSources();
    expect(programs).toContain('nft');
    expect(programs.filter((program) => !Object.hasOwn(PACKAGE_OF, program))).toEqual([]);
    const wanted = Object.values(PACKAGE_OF).filter((name) => name !== undefined);
    expect(new Set(installed())).toEqual(new Set([...wanted, ...DATA_PACKAGES]));
  });

  test('has the program under both names and writable for nobody', () => {
    if (final === undefined) throw new Error('no final stage');
    for (const { mode } of copiesOf(final)) expect(mode).toBe('0555');
    const program = copiesOf(final).find(({ sources }) => sources[0]?.endsWith('sluice.mjs') === true);
    expect(textOf('RUN')).toContain(`ln -s ..${program?.destination.replace('/usr/local', '')} /usr/local/bin/sluice `);
    expect(textOf('RUN')).toContain('ln -s sluice /usr/local/bin/kube-proxy ');
    expect(JSON.parse(textOf('ENTRYPOINT'))).toEqual(['/usr/local/bin/sluice']);
  });

  test('is labelled with the version of the package', () => {
    expect(textOf('ARG').split('\n')).toContain(`VERSION=${packageJson.version}`);
    expect(textOf('LABEL')).toContain('image.version="${VERSION}"');
    expect(textOf('LABEL')).toContain(`image.licenses="${packageJson.license}"`);
  });

  test('asks for its health where it is told', () => {
    const [, command = '[]'] = /CMD (\[.*\])$/.exec(textOf('HEALTHCHECK')) ?? [];
    const [node, flag, script] = JSON.parse(command) as readonly string[];
    expect([node, flag]).toEqual(['node', '-e']);
    expect(script).toContain("'http://127.0.0.1:10256/healthz'");
  });
});
