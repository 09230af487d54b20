import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RCODE } from '../../src/dns/wire/constants.ts';
import { FakeUpstream, good } from '../unit/dns/forward/fake-upstream.ts';
import { key, response, soa } from '../unit/dns/forward/messages.ts';
import { CLUSTER } from '../unit/dns/objects.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'sluice-resolver-'));
const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname;

/** What the kubelet writes for a pod of the namespace `default`. */
const RESOLV_CONF = `nameserver 127.0.0.1
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
`;

const MANY = Array.from({ length: 60 }, (_, i) => `10.1.0.${i}`);

/** More endpoints than a reply without EDNS has room for. */
const CROWD = `---
apiVersion: v1
kind: Service
metadata: { name: crowd, namespace: default }
spec: { clusterIP: None }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: crowd-1, namespace: default, labels: { kubernetes.io/service-name: crowd } }
addressType: IPv4
ports: []
endpoints: [${MANY.map((address) => `{ addresses: [${address}] }`).join(', ')}]
`;

let server: ChildProcess;
/** What it logs. */
let said = '';
let upstream: FakeUpstream;

beforeAll(async () => {
  const manifests = join(folder, 'objects.yaml');
  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(manifests, CLUSTER + CROWD);
  writeFileSync(resolvConf, RESOLV_CONF);
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('mount', ['--bind', resolvConf, '/etc/resolv.conf']);
  upstream = await FakeUpstream.start((seen) => {
    const { query } = seen;
    const isKnown = query.name === key('www.example.org');
    return isKnown ? good(seen) : [response(query, { rcode: RCODE.nxDomain, authority: [soa('.')] })];
  });
  const addresses = ['--listen', '127.0.0.1:53', '--upstream', upstream.address, '--dns-log-queries'];
  server = spawn(process.execPath, [MAIN, 'dns', '--manifests', manifests, ...addresses], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await new Promise<void>((resolve, reject) => {
    server.on('exit', () => reject(new Error(said)));
    server.stderr?.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('answering')) resolve();
    });
  });
});

afterAll(async () => {
  server.kill('SIGTERM');
  if (server.exitCode === null) await once(server, 'exit');
  upstream.stop();
  await run('umount', ['/etc/resolv.conf']);
  rmSync(folder, { recursive: true });
});

const PROGRAM = join(folder, 'addresses');
const MUSL = ['x86_64', 'aarch64'].map((machine) => `/lib/ld-musl-${machine}.so.1`).find(existsSync);

/** @returns why a program cannot be made here; then it is there otherwise. */
function compile(): string | undefined {
  try {
    execFileSync('cc', ['-o', PROGRAM, join(import.meta.dirname, 'addresses.c')], { stdio: 'pipe' });
    return undefined;
  } catch (thrown) {
    return String(thrown);
  }
}

const NO_COMPILER = compile();

/** The addresses that getaddrinfo(3) finds, sorted. */
type Resolver = (name: string) => Promise<readonly string[]>;

function sorted(text: string): readonly string[] {
  return [...new Set(text.split('\n').flatMap((line) => /^\S+/.exec(line) ?? []))].sort();
}

const glibc: Resolver = async (name) => sorted((await run('getent', ['ahosts', name])).stdout);

/** The loader of musl gives a program musl, whatever library it was made for. */
const musl: Resolver = async (name) => sorted((await run(MUSL ?? '', [PROGRAM, name])).stdout);

describe.each([
  { library: 'of the C library', addresses: glibc, missing: undefined, most: MANY.length },
  {
    library: 'of musl, as images of Alpine have it',
    addresses: musl,
    missing: NO_COMPILER ?? (MUSL === undefined ? 'there is no musl' : undefined),
    // Up to 1.2.3 it knows no TCP; and it keeps no more than 48 addresses.
    most: 48,
  },
])('the resolver $library, with the search path of a pod', ({ addresses, missing, most }) => {
  beforeEach((context) => context.skip(missing !== undefined, missing));

  test.each([
    ['web', ['10.96.0.10', 'fd00::a']],
    ['web.default', ['10.96.0.10', 'fd00::a']],
    ['web.default.svc', ['10.96.0.10', 'fd00::a']],
    ['web.default.svc.cluster.local', ['10.96.0.10', 'fd00::a']],
    ['web.default.svc.cluster.local.', ['10.96.0.10', 'fd00::a']],
    ['0svc.svc', ['10.96.0.13']],
    ['db-0.db', ['10.244.0.7', 'fd00:244::7']],
    ['plain', ['10.96.0.11']],
    ['alias', ['10.96.0.10', 'fd00::a']],
    ['www.example.org', ['192.0.2.1']],
  ])('%s', async (name, expected) => expect(await addresses(name)).toEqual(expected));

  test.each(['none', 'idle', 'none.default.svc', 'web.none', 'default.svc'])(
    '%s does not exist, after the whole search path',
    async (name) => {
      await expect(addresses(name)).rejects.toMatchObject({ code: 2 });
    },
  );

  test('more addresses than fit', async () => {
    const found = await addresses('crowd');
    expect(found.length).toBeGreaterThanOrEqual(Math.min(most, 28));
    expect(found.length).toBeLessThanOrEqual(most);
    expect(MANY).toEqual(expect.arrayContaining([...found]));
  });
});

test('the C library finds all addresses over TCP', async () => {
  expect(await glibc('crowd')).toEqual(MANY.toSorted());
});

test('the C library finds the name of an address', async () => {
  expect((await run('getent', ['hosts', '10.96.0.10'])).stdout).toMatch(/web\.default\.svc\.cluster\.local/);
});

test('every question of a search path is in the log of queries, with its answer', async () => {
  await glibc('web.default');
  const logged = (name: string, rcode: string): RegExp =>
    new RegExp(`query .*\\b${name.replaceAll('.', '\\.')}\\. .*${rcode}`);
  await expect.poll(() => said).toMatch(logged('web.default.default.svc.cluster.local', 'NXDOMAIN'));
  await expect.poll(() => said).toMatch(logged('web.default.svc.cluster.local', 'NOERROR'));
});
