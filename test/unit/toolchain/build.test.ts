import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'sluice-build-'));
const bundle = join(folder, 'sluice.mjs');

beforeAll(() => {
  const { status, stderr } = spawnSync(process.execPath, ['.ci/build.ts', bundle], { cwd: root, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

// Far from node_modules, and started by its first line: so it holds all it needs, CommonJS packages included.
test.for([['--version'], ['--help']])('the bundle runs on its own: sluice %s', (args) => {
  const { status, stdout, stderr } = spawnSync(bundle, args, { cwd: folder, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toMatch(args[0] === '--version' ? /^\d+\.\d+\.\d+/ : /sluice/);
});

// With any other character the engine would keep the program with two bytes for each.
test('the bundle is ASCII', () => {
  const beyond = readFileSync(bundle).filter((byte) => byte > 0x7f);
  expect(beyond).toHaveLength(0);
});

// It is packed, and unpacked only for a kubeconfig like this one.
test('the bundle has the client library for credential plugins', () => {
  const kubeconfig = join(folder, 'kubeconfig');
  const token = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}';
  const exec = (script: string) => {
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] } };
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    const args = ['dns', '--kubeconfig', kubeconfig, '--listen', '127.0.0.1:5358'];
    const { stderr } = spawnSync(bundle, args, { cwd: folder, encoding: 'utf8', timeout: 2000 });
    return stderr;
  };
  expect(exec(`echo '${token}'`)).toContain('connect ECONNREFUSED 127.0.0.1:9');
  expect(exec('echo no luck >&2; exit 3')).toMatch(/the credential plugin of the kubeconfig failed: .*no luck/);
}, 10_000);

// Their program is text inside the bundle, so nothing but this would miss it.
test('the bundle starts its DNS threads', async () => {
  const child = spawn(bundle, ['dns', '--manifests', '-', '--listen', '127.0.0.1:5357'], { cwd: folder });
  child.stdin.end('');
  let said = '';
  child.stderr.on('data', (text) => {
    said += String(text);
    if (said.includes('answering')) child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'exit')) as [number];
  expect({ code, said }).toEqual({ code: 0, said: expect.stringMatching(/answering DNS queries .*127\.0\.0\.1:5357/) });
}, 30_000);
