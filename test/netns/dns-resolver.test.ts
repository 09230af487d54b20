import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLUSTER } from '../unit/dns/objects.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'sluice-resolver-'));
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** What the kubelet writes for a pod of the namespace `default`. */
const RESOLV_CONF = `nameserver 127.0.0.1
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
`;

let server: ChildProcess;

beforeAll(async () => {
  const manifests = join(folder, 'objects.yaml');
  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(manifests, CLUSTER);
  writeFileSync(resolvConf, RESOLV_CONF);
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('mount', ['--bind', resolvConf, '/etc/resolv.conf']);
  server = spawn(process.execPath, [MAIN, 'dns', '--manifests', manifests, '--listen', '127.0.0.1:53'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  for await (const chunk of server.stderr ?? []) {
    said += String(chunk);
    if (said.includes('answering')) return;
  }
  throw new Error(said);
});

afterAll(async () => {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
  await run('umount', ['/etc/resolv.conf']);
  rmSync(folder, { recursive: true });
});

/** The addresses that getaddrinfo(3) of the C library finds, sorted. */
async function addresses(name: string): Promise<readonly string[]> {
  const { stdout } = await run('getent', ['ahosts', name]);
  return [...new Set(stdout.split('\n').flatMap((line) => /^\S+/.exec(line) ?? []))].sort();
}

describe('the resolver of the C library, with the search path of a pod', () => {
  test.each([
    ['web', ['10.96.0.10', 'fd00::a']],
    ['web.default', ['10.96.0.10', 'fd00::a']],
    ['web.default.svc', ['10.96.0.10', 'fd00::a']],
    ['web.default.svc.cluster.local', ['10.96.0.10', 'fd00::a']],
    ['0svc.svc', ['10.96.0.13']],
    ['db-0.db', ['10.244.0.7', 'fd00:244::7']],
    ['alias', ['10.96.0.10', 'fd00::a']],
  ])('%s', async (name, expected) => expect(await addresses(name)).toEqual(expected));

  test('a name that does not exist, after the whole search path', async () => {
    await expect(addresses('none')).rejects.toMatchObject({ code: 2 });
  });

  test('the name of an address', async () => {
    expect((await run('getent', ['hosts', '10.96.0.10'])).stdout).toMatch(/web\.default\.svc\.cluster\.local/);
  });
});
