import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { systemClock } from '../../../src/base/clock.ts';
import { healthPages } from '../../../src/observe/health-server.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { ProxyHealth } from '../../../src/observe/proxy-health.ts';
import type { Container, Probe } from '../../support/deployment.ts';
import { argumentsOf, DEPLOY, daemonSetOf, objectsOf, only, OVERLAYS } from '../../support/deployment.ts';
import { identityOf } from '../../support/kustomize.ts';
import { mergeStrategically } from '../../support/kustomize-patch.ts';
import { page } from '../../support/pages.ts';

const KUBE_PROXY = { healthPort: 10256, metricsPort: 10249 };

function containersOf(overlay: (typeof OVERLAYS)[number]): readonly Container[] {
  const { initContainers = [], containers } = daemonSetOf(overlay).template.spec;
  return [...initContainers, ...containers];
}

describe.for(OVERLAYS)('%s', (overlay) => {
  test('has every object once', () => {
    const identities = objectsOf(overlay).map(identityOf);
    expect(identities).toEqual([...new Set(identities)]);
  });

  test('selects its own pods', () => {
    const { selector, template } = daemonSetOf(overlay);
    expect(template.metadata.labels).toMatchObject(selector.matchLabels);
  });

  test('mounts what it has and has what it mounts', () => {
    const volumes = daemonSetOf(overlay).template.spec.volumes.map(({ name }) => name);
    const mounted = containersOf(overlay).flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name));
    expect(new Set(mounted)).toEqual(new Set(volumes));
  });

  test('runs the version of sluice that it belongs to', () => {
    const images = containersOf(overlay).map(({ image }) => image);
    expect(images).toContain(`sluice:${packageJson.version}`);
    expect(images.filter((image) => image.startsWith('sluice'))).toEqual(
      images.filter((image) => image === `sluice:${packageJson.version}`),
    );
  });

  test('says which node it is on wherever the node is named', () => {
    for (const container of containersOf(overlay)) {
      const asks = argumentsOf(container).includes('--hostname-override=$(NODE_NAME)');
      expect((container.env ?? []).some(({ name }) => name === 'NODE_NAME')).toBe(asks);
    }
  });
});

describe('standalone', () => {
  const objects = objectsOf('standalone');
  const { initContainers = [], containers, ...pod } = daemonSetOf('standalone').template.spec;
  const [container] = containers;

  test('binds the rights to the identity of its pods, in the namespace that it makes', () => {
    const namespace = only(objects, 'Namespace').metadata.name;
    const account = only(objects, 'ServiceAccount').metadata;
    expect(account).toMatchObject({ namespace, name: pod.serviceAccountName });
    expect(only(objects, 'DaemonSet').metadata.namespace).toBe(namespace);
    expect(only(objects, 'ClusterRoleBinding')).toMatchObject({
      roleRef: { kind: 'ClusterRole', name: only(objects, 'ClusterRole').metadata.name },
      subjects: [{ kind: 'ServiceAccount', namespace, name: account.name }],
    });
  });

  test('the namespace lets in pods that are on the host network', () => {
    expect(only(objects, 'Namespace').metadata['labels']).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'privileged',
    });
  });

  test('mounts the ConfigMap that it makes, and reads its files', () => {
    const map = only(objects, 'ConfigMap') as unknown as { data: Record<string, string>; metadata: { name: string } };
    const volume = pod.volumes.find(({ configMap }) => configMap?.name === map.metadata.name);
    const mount = container.volumeMounts.find(({ name }) => name === volume?.name);
    const config = argumentsOf(container).find((argument) => argument.startsWith('--config='));
    expect(config).toBe(`--config=${mount?.mountPath}/config.conf`);
    const { clientConnection } = parse(map.data['config.conf'] ?? '') as { clientConnection: { kubeconfig: string } };
    expect(clientConnection.kubeconfig).toBe(`${mount?.mountPath}/kubeconfig.conf`);
    expect(Object.keys(map.data).sort()).toEqual(['config.conf', 'kubeconfig.conf']);
  });

  test('has two capabilities and can write to nothing but the lock file', () => {
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
    });
    const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
    expect(writable.map(({ mountPath }) => mountPath)).toEqual(['/run/xtables.lock']);
  });

  test('the privileged container does the same start as the other one, but only its beginning', () => {
    const [init, another] = initContainers;
    expect(another).toBeUndefined();
    expect(init?.securityContext).toEqual({ privileged: true, readOnlyRootFilesystem: true });
    expect(init?.args?.filter((argument) => argument !== '--init-only')).toEqual(container.args);
    expect(init?.args).toContain('--init-only');
  });

  test('is on the host network, with priority, never twice on a node', () => {
    expect(pod).toMatchObject({ hostNetwork: true, priorityClassName: 'system-node-critical' });
    expect(only(objects, 'DaemonSet')['spec']).toMatchObject({ updateStrategy: { rollingUpdate: { maxSurge: 0 } } });
    expect(container.ports).toMatchObject([
      { name: 'health', containerPort: KUBE_PROXY.healthPort, hostPort: KUBE_PROXY.healthPort },
      { name: 'metrics', containerPort: KUBE_PROXY.metricsPort, hostPort: KUBE_PROXY.metricsPort },
    ]);
  });

  test('the patch for the removal keeps nothing running but the clean-up', () => {
    const patch = parse(readFileSync(join(DEPLOY, 'overlays/standalone/remove-rules.yaml'), 'utf8')) as unknown;
    const { spec } = mergeStrategically(only(objects, 'DaemonSet'), patch) as {
      spec: { template: { spec: { initContainers: readonly [Container]; containers: readonly [Container] } } };
    };
    const [init] = spec.template.spec.initContainers;
    const [waiting] = spec.template.spec.containers;
    expect(argumentsOf(init)).toEqual(['cleanup']);
    expect(init.securityContext.privileged).toBe(true);
    expect(argumentsOf(waiting)).toEqual(['sleep', 'infinity']);
    expect(Object.keys(waiting).filter((field) => field.endsWith('Probe'))).toEqual([]);
  });
});

describe('probes', () => {
  const health = new ProxyHealth({ clock: systemClock, families: ['IPv4'], healthTimeoutMs: 60_000 });
  const answer = healthPages(health, new Metrics({ mode: 'nftables' }));
  const status = async (path: string): Promise<number> => (await page(answer, path)).status;

  test.for(['standalone', 'take-over'] as const)('%s: only a node without rules is not ready', async (overlay) => {
    const [{ startupProbe, livenessProbe, readinessProbe, ports = [] }] = daemonSetOf(overlay).template.spec.containers;
    const probes = [startupProbe, livenessProbe, readinessProbe] as readonly Probe[];
    const statuses = await Promise.all(probes.map(({ httpGet }) => status(httpGet.path)));
    expect(statuses).toEqual([200, 200, 503]);
    for (const { httpGet } of probes) {
      const port = ports.find(({ name }) => name === httpGet.port)?.containerPort ?? httpGet.port;
      expect(port).toBe(KUBE_PROXY.healthPort);
    }
  });
});

describe('take-over and roll-back', () => {
  const original = daemonSetOf('roll-back').template.spec.containers[0];

  test('take-over changes the image and adds probes', () => {
    const { startupProbe, livenessProbe, readinessProbe, ...rest } =
      daemonSetOf('take-over').template.spec.containers[0];
    expect([startupProbe, livenessProbe, readinessProbe]).not.toContain(undefined);
    expect({ ...rest, image: original.image }).toEqual(original);
  });

  test('take-over calls a path that the image has', () => {
    const [program] = argumentsOf(daemonSetOf('take-over').template.spec.containers[0]);
    const dockerfile = readFileSync(join(DEPLOY, '../Dockerfile'), 'utf8');
    expect(dockerfile).toContain(`ln -s sluice ${program} `);
  });

  test('roll-back removes the rules of sluice before kube-proxy starts', () => {
    expect(original.image).toMatch(/^kube-proxy:v\d/);
    const [init] = daemonSetOf('roll-back').template.spec.initContainers ?? [];
    expect(init?.image).toBe(`sluice:${packageJson.version}`);
    expect(init?.command).toEqual(['/usr/local/bin/sluice', 'cleanup']);
  });
});
