import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEPLOY, objectsOf, OVERLAYS } from '../../support/deployment.ts';
import type { KubeObject } from '../../support/kustomize.ts';
import { identityOf, parseManifests } from '../../support/kustomize.ts';

const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) process.stderr.write('skipped: no kubectl here to compare the rendered manifests with\n');

/** Of the name of a generated ConfigMap, with what refers to it. */
const HASH = /^(sluice-config)-[a-z0-9]{10}$/;

function withoutHash(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(HASH, '$1');
  if (Array.isArray(value)) return value.map(withoutHash);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([field, content]) => [field, withoutHash(content)]));
}

function byIdentity(objects: readonly KubeObject[]): Readonly<Record<string, KubeObject>> {
  return Object.fromEntries(objects.map((object) => [identityOf(object), object]));
}

// The other tests of this folder look at what test/support/kustomize.ts makes of the overlays: here it is compared.
describe.skipIf(!hasKubectl)('kubectl kustomize', () => {
  test.for(OVERLAYS)('renders %s as the tests do', (overlay) => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', join(DEPLOY, 'overlays', overlay)], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const rendered = withoutHash(parseManifests(stdout)) as readonly KubeObject[];
    expect(byIdentity(rendered)).toEqual(byIdentity(objectsOf(overlay)));
  });

  test('gives the ConfigMap a name of its content, so that a change is a rolling update', () => {
    const { stdout } = spawnSync('kubectl', ['kustomize', join(DEPLOY, 'overlays/standalone')], { encoding: 'utf8' });
    const name = parseManifests(stdout).find(({ kind }) => kind === 'ConfigMap')?.metadata.name ?? '';
    expect(name).toMatch(HASH);
    expect(stdout.split(name)).toHaveLength(3);
  });
});
