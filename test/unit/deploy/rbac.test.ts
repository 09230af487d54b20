import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { SluiceError } from '../../../src/base/errors.ts';
import type { KubeClient } from '../../../src/source/kube-client.ts';
import { KubeEvents } from '../../../src/source/kube-events.ts';
import type { KubeRequest } from '../../../src/source/kube-request.ts';
import type { Resource } from '../../../src/source/resource.ts';
import { startKubeSource } from '../../../src/source/kube-source.ts';
import { proxyResources } from '../../../src/source/resources.ts';
import type { Overlay } from '../../support/deployment.ts';
import { objectsOf } from '../../support/deployment.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** ClusterRole system:node-proxier of Kubernetes 1.36, which a take-over leaves in place (reference, section 1.7). */
const NODE_PROXIER: readonly Rule[] = [
  { apiGroups: [''], resources: ['services', 'endpoints'], verbs: ['list', 'watch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  { apiGroups: ['networking.k8s.io'], resources: ['servicecidrs'], verbs: ['list', 'watch'] },
];

/** `list discovery.k8s.io/endpointslices` */
function permissionsOf(rules: readonly Rule[]): ReadonlySet<string> {
  return new Set(
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    ),
  );
}

const PATH = /^\/(?:api|apis\/([^/]+))\/v1\/(?:namespaces\/[^/]+\/)?([a-z]+)(\/[^/?]+)?(\?.*)?$/;

/** The permission that the API server asks for before it answers a request. */
function permissionFor({ method = 'GET', path }: KubeRequest): string {
  const [, group = '', resource = '', name, query = ''] = PATH.exec(path) ?? [];
  const watches = new URLSearchParams(query).get('watch') === 'true';
  const ofCollection = watches ? 'watch' : 'list';
  const reads = name === undefined ? ofCollection : 'get';
  return `${{ GET: reads, POST: 'create', PATCH: 'patch' }[method]} ${group}/${resource}`;
}

/** The beginning of such a path in a line that is not a comment. */
const API_PATH = /^(?!\s*(?:\/\/|\/?\*)).*['"`]\/apis?\//m;

const used = new Set<string>();
/** The same with DNS. */
const usedWithDns = new Set<string>();
let asked = used;

/** An API server with nothing in it, and of before 1.34: it lists, but does not send lists as watches. */
const client: Pick<KubeClient, 'open' | 'send'> = {
  async open(request) {
    asked.add(permissionFor(request));
    if (request.path.includes('sendInitialEvents')) {
      throw new SluiceError({ code: 'api-refused', message: 'no such option', data: { status: 400 } });
    }
    if (!request.path.includes('watch=true'))
      return answer([Buffer.from('{"metadata":{"resourceVersion":"7"},"items":[]}')]);
    await new Promise((resolve) => request.signal?.addEventListener('abort', resolve));
    return answer([]);
  },
  async send(request) {
    asked.add(permissionFor(request));
    return Promise.resolve();
  },
};

function answer(chunks: readonly Buffer[]): Awaited<ReturnType<KubeClient['open']>> {
  return {
    chunks: (async function* () {
      yield* chunks;
      await Promise.resolve();
    })(),
    close: () => undefined,
  };
}

// Everything that sluice does with the API, once.
beforeAll(async () => {
  const { log } = recordingLog();
  const clock = new FakeClock();
  const follow = (resources: readonly Resource[]): Promise<void> =>
    new Promise<void>((resolve) => {
      const source = startKubeSource({
        client,
        resources,
        log,
        clock,
        onEvents: () => undefined,
        onSynced: () => void setImmediate().then(() => source.stop().then(resolve)),
      });
    });
  await follow(proxyResources('node-a'));
  const events = new KubeEvents({ client, nodeName: 'node-a', clock, log });
  const report = { type: 'Normal', reason: 'Starting', action: 'StartKubeProxy', note: 'here we go' } as const;
  events.report({ ...report, regarding: { kind: 'Node', name: 'node-a' } });
  events.report({ ...report, regarding: { kind: 'Node', name: 'node-a' } });
  await clock.advance(60_000);
  await events.stop(0);
  for (const permission of used) usedWithDns.add(permission);
  asked = usedWithDns;
  await follow(proxyResources('node-a', { pods: false }));
});

/** Of all ClusterRoles of an overlay together. */
function grantedBy(overlay: Overlay): ReadonlySet<string> {
  const roles = objectsOf(overlay).filter(({ kind }) => kind === 'ClusterRole');
  return permissionsOf(roles.flatMap(({ rules }) => rules as readonly Rule[]));
}

test('the ClusterRole grants what is used, and nothing else', () => {
  expect([...grantedBy('standalone')].sort()).toEqual([...used].sort());
});

test('with DNS it grants what that uses besides', () => {
  expect([...grantedBy('standalone-dns')].sort()).toEqual([...usedWithDns].sort());
  const takenOver = permissionsOf(NODE_PROXIER).union(grantedBy('take-over-dns'));
  expect([...usedWithDns].filter((permission) => !takenOver.has(permission))).toEqual([]);
});

test('the rights of kube-proxy suffice for a take-over', () => {
  const granted = permissionsOf(NODE_PROXIER);
  expect([...used].filter((permission) => !granted.has(permission))).toEqual([]);
});

test('no other file of the agent speaks to the API', () => {
  const root = join(import.meta.dirname, '../../..');
  // Those of the lab are API servers themselves.
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.startsWith('src/lab/api/'));
  const speaking = files.filter((file) => API_PATH.test(readFileSync(join(root, file), 'utf8')));
  expect(speaking.sort()).toEqual(['src/source/kube-events.ts', 'src/source/resources.ts']);
});
