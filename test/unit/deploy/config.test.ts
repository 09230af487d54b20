import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Option } from '../../../src/config/options.ts';
import { OPTIONS } from '../../../src/config/options.ts';
import { variableOf } from '../../../src/config/resolve.ts';
import { loadKubeConfig } from '../../../src/source/kube-config.ts';
import { argumentsOf, DEPLOY, daemonSetOf, OVERLAYS } from '../../support/deployment.ts';

const standalone = join(DEPLOY, 'overlays/standalone');
const load = (path: string) =>
  loadConfig({ command: 'run', flags: { config: path, 'hostname-override': 'node-a' }, env: {} });

test.for([
  [join(standalone, 'config.conf'), -997],
  [join(DEPLOY, 'systemd/config.conf'), -999],
] as const)('%s means what it says, and there is nothing to remark', async ([path, oomScoreAdj]) => {
  const { config, warnings } = await load(path);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    proxyMode: 'nftables',
    detectLocal: { mode: 'ClusterCIDR', clusterCidrs: ['10.244.0.0/16'] },
    kubeconfig: expect.stringMatching(/^\/etc\/sluice\/kubeconfig\.conf$/) as string,
    nodeName: 'node-a',
    oomScoreAdj,
  });
});

test('serves health and metrics on the ports of the DaemonSet', async () => {
  const { config } = await load(join(standalone, 'config.conf'));
  const [{ ports = [] }] = daemonSetOf('standalone').template.spec.containers;
  expect({ health: config.healthzAddress, metrics: config.metricsAddress }).toMatchObject(
    Object.fromEntries(ports.map(({ name, containerPort }) => [name, { port: containerPort }])),
  );
});

test('reaches the API server at an address of its own, as the service account of the pod', async () => {
  const found = await loadKubeConfig({ kubeconfig: join(standalone, 'kubeconfig.conf') });
  expect(found).toMatchObject({
    server: 'https://api-server.example:6443',
    insecure: false,
    ca: { file: '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt' },
    token: { file: '/var/run/secrets/kubernetes.io/serviceaccount/token' },
  });
});

describe('flags', () => {
  const options = Object.values<Option>(OPTIONS).filter(({ commands }) => commands.includes('run'));
  const known = new Set(options.map(({ flag }) => flag));

  test.for(OVERLAYS)('%s gives none that sluice does not have', (overlay) => {
    const { containers, initContainers = [] } = daemonSetOf(overlay).template.spec;
    const words = [...initContainers, ...containers].flatMap(argumentsOf);
    const flags = words.flatMap((word) => /^--([\w-]+)/.exec(word)?.[1] ?? []);
    expect(flags).toContain('config');
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test('the variable that the guides name is one', () => {
    expect(variableOf(OPTIONS.logLevel)).toBe('SLUICE_LOG_LEVEL');
  });
});
