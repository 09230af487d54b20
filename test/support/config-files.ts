import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { SluiceError } from '../../src/base/errors.ts';
import type { ConfigSources, LoadedConfig } from '../../src/config/load.ts';
import { loadConfig } from '../../src/config/load.ts';

/** The files in test/support/configs. */
export function fixture(name: 'kubeadm' | 'every-field' | 'both'): string {
  return new URL(`configs/${name}.yaml`, import.meta.url).pathname;
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The head of every file. */
export const HEAD = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';

/** A file with this content; the name stays the same, so messages can be compared. */
export function fileWith(text: string): string {
  const path = join(folder, 'config.conf');
  writeFileSync(path, text);
  return path;
}

/** What `sluice run` makes of a file; flags by name without dashes. */
export function load(path: string | undefined, more: Partial<ConfigSources> = {}): Promise<LoadedConfig> {
  const { command = 'run', flags = {}, env = {} } = more;
  return loadConfig({ command, flags: path === undefined ? flags : { ...flags, config: path }, env });
}

/** What is wrong with a file, without the name of its folder. */
export async function problemsWith(text: string): Promise<readonly string[]> {
  try {
    await load(fileWith(text));
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === 'bad-config') {
      return thrown.message.replaceAll(`${folder}/`, '').split('; ');
    }
    throw thrown;
  }
  return [];
}
