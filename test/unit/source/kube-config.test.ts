import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadKubeConfig } from '../../../src/source/kube-config.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function load(text: string, master?: string) {
  await writeFile(join(folder, 'config'), text);
  return loadKubeConfig({ kubeconfig: join(folder, 'config'), ...(master === undefined ? {} : { master }) });
}

const kubeconfig = (cluster: string, user = '{}') => `
apiVersion: v1
kind: Config
current-context: default
contexts:
- {name: other, context: {cluster: none, user: none}}
- {name: default, context: {cluster: default, namespace: default, user: default}}
clusters:
- {name: default, cluster: ${cluster}}
users:
- {name: default, user: ${user}}
`;

describe('a kubeconfig', () => {
  test('as kubeadm writes it for kube-proxy', async () => {
    const text = kubeconfig(
      '{certificate-authority: /var/run/secrets/ca.crt, server: "https://10.0.0.1:6443/"}',
      '{tokenFile: /var/run/secrets/token}',
    );
    expect(await load(text)).toEqual({
      server: 'https://10.0.0.1:6443',
      insecure: false,
      ca: { file: '/var/run/secrets/ca.crt' },
      token: { file: '/var/run/secrets/token' },
      headers: {},
    });
  });

  const base64 = (text: string) => Buffer.from(text).toString('base64');
  test.each([
    [
      'data count more than files, and paths are relative to the kubeconfig',
      `{server: "https://a", certificate-authority: ca, certificate-authority-data: ${base64('CA')}}`,
      `{client-certificate: pki/a.crt, client-key: pki/a.key, client-key-data: ${base64('KEY')}}`,
      () => ({ ca: { text: 'CA' }, certificate: { file: join(folder, 'pki/a.crt') }, key: { text: 'KEY' } }),
    ],
    [
      'a token file counts more than a token',
      '{server: "https://a"}',
      '{token: old, tokenFile: token}',
      () => ({ token: { file: join(folder, 'token') } }),
    ],
    ['a token', '{server: "https://a"}', '{token: abc}', () => ({ token: { text: 'abc' } })],
    ['a password', '{server: "https://a"}', '{username: me, password: "x"}', () => ({ basic: base64('me:x') })],
    [
      'impersonation',
      '{server: "https://a"}',
      '{as: jane, as-uid: "7", as-groups: [a, b]}',
      () => ({ headers: { 'Impersonate-User': 'jane', 'Impersonate-Uid': '7', 'Impersonate-Group': ['a', 'b'] } }),
    ],
    [
      'settings of the connection',
      '{server: "https://a", insecure-skip-tls-verify: true, tls-server-name: b, proxy-url: "http://p:3128"}',
      '{}',
      () => ({ insecure: true, serverName: 'b', proxyUrl: 'http://p:3128' }),
    ],
    [
      'HTTPS where there are certificates',
      '{server: "a:6443", certificate-authority: ca}',
      '{}',
      () => ({ server: 'https://a:6443' }),
    ],
    ['HTTP where there are none', '{server: "a:8080"}', '{}', () => ({ server: 'http://a:8080' })],
    [
      'a plugin',
      '{server: "https://a"}',
      '{exec: {command: x}}',
      () => ({ pluginText: expect.stringContaining('exec') as string }),
    ],
  ])('%s', async (_what, cluster, user, expected) => {
    expect(await load(kubeconfig(cluster, user))).toMatchObject(expected());
  });

  test.each([
    ['a: [', 'bad-yaml', /Flow sequence/],
    ['', 'bad-config', /current-context.*is missing/],
    ['[]', 'bad-config', /is not an object/],
    ['current-context: x', 'bad-config', /contexts: has no entry "x"/],
    [kubeconfig('{}'), 'bad-config', /cluster\.server: is missing/],
    [kubeconfig('{server: "http://a b"}'), 'bad-config', /"http:\/\/a b" is not the address/],
    [kubeconfig('{server: 7}'), 'bad-config', /clusters\[0\]\.cluster\.server: 7 is not a string/],
    [kubeconfig('{server: "https://a", proxy-url: "socks5://p"}'), 'bad-config', /proxy-url.*"socks5:\/\/p" is not/],
    [kubeconfig('{server: "https://a"}', '{tokenFile: [x]}'), 'bad-config', /users\[0\]\.user\.tokenFile/],
  ])('that is wrong is refused: %j', async (text, code, message) => {
    await expect(load(text)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('that is not there is refused', async () => {
    const missing = loadKubeConfig({ kubeconfig: join(folder, 'none') });
    await expect(missing).rejects.toMatchObject({ code: 'file-unreadable' });
  });

  test('gives way to another address of the server', async () => {
    const text = kubeconfig('{server: "https://a", certificate-authority: ca}', '{token: abc}');
    expect(await load(text, 'b:6443')).toMatchObject({ server: 'https://b:6443', token: { text: 'abc' } });
  });
});

test('an address alone means no authentication', async () => {
  expect(await loadKubeConfig({ master: 'localhost:8080' })).toEqual({
    server: 'http://localhost:8080',
    insecure: false,
    headers: {},
  });
});

describe('neither', () => {
  test.each([
    ['10.96.0.1', 'https://10.96.0.1:443'],
    ['fd00::1', 'https://[fd00::1]:443'],
  ])('means the service account of the pod (%s)', async (host, server) => {
    const env = { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '443' };
    expect(await loadKubeConfig({ env, serviceAccountFolder: '/sa' })).toEqual({
      server,
      insecure: false,
      ca: { file: '/sa/ca.crt' },
      token: { file: '/sa/token' },
      headers: {},
    });
  });

  test('is refused outside a pod', async () => {
    await expect(loadKubeConfig({ env: {} })).rejects.toMatchObject({ code: 'bad-config' });
  });
});
