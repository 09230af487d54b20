import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import { AgentCluster, askHealth, askMetrics, healthOf } from '../support/agent-cluster.ts';
import { ask } from '../support/http.ts';
import { KUBE_PROXY_METRICS } from '../support/kube-proxy-metrics.ts';
import { SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, writeKubeletRules } from '../support/program-machine.ts';
import { loadBalancerIp, nodePort } from '../support/program-objects.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';
import { parseScrape } from '../support/scrape.ts';

const SOON = { timeout: 10_000, interval: 20 };

const HEALTH_CHECK_PORT = 32_100;

const BALANCED = {
  name: 'balanced',
  id: 20,
  pods: ['pod-b', 'pod-c', 'remote-a'],
  spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: HEALTH_CHECK_PORT },
  status: { loadBalancer: { ingress: [{ ip: loadBalancerIp({ id: 20 }, 'IPv4') }] } },
};

const NODE_PORT = { name: 'port', id: 21, pods: ['pod-b'] };

/** Counted when something goes wrong only, with a label that tells what. */
const WITHOUT_SAMPLES = new Set(['rest_client_request_retries_total']);

const AUTOSCALER_TAINT = { key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' };

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
});

afterAll(() => lab.close());

describe.each(PROGRAM_VARIANTS.filter(({ iptables }) => iptables !== 'legacy'))('$title', (variant) => {
  const { proxyMode } = variant.backend;
  let cluster: AgentCluster;

  beforeEach(async () => {
    cluster = new AgentCluster(variant);
    await writeKubeletRules('nf_tables');
  });

  afterEach(async () => {
    await SluiceCommand.killAll();
    await cluster.stop();
    await emptyMachine();
  });

  test('/healthz follows the first sync and the Node', async () => {
    cluster.server.faults.listMs = 1000;
    await cluster.start([BALANCED]);
    cluster.run();
    await expect.poll(() => healthOf(), SOON).toContain('503 not-synced');
    expect([await healthOf('/livez'), await healthOf('/readyz')]).toEqual(['200', '503']);
    await expect.poll(() => healthOf(), SOON).toBe('200');
    expect(await healthOf('/readyz')).toBe('200');
    const { body } = await askHealth('/healthz');
    expect(JSON.parse(body)).toMatchObject({ nodeEligible: true, healthy: true, status: { IPv4: { healthy: true } } });

    const states = [
      { node: { spec: { taints: [AUTOSCALER_TAINT] } }, health: '503 node-tainted' },
      { node: { spec: { taints: [{ ...AUTOSCALER_TAINT, key: 'other' }] } }, health: '200' },
      { node: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, health: '503 node-deleting' },
      { node: undefined, health: '503 node-gone' },
      { node: {}, health: '200' },
    ];
    for (const { node, health } of states) {
      if (node === undefined) await cluster.removeNode();
      else await cluster.putNode(node);
      await expect.poll(() => healthOf(), SOON).toBe(health);
      expect(await healthOf('/livez')).toBe('200');
    }
  });

  test('load balancers are told the number of local endpoints', async () => {
    await cluster.start([BALANCED]);
    cluster.run();
    const told = async (): Promise<unknown> => {
      try {
        const { status, headers, body } = await ask({
          host: lab.topology.node.addresses.IPv4,
          port: HEALTH_CHECK_PORT,
        });
        return [status, headers['x-load-balancing-endpoint-weight'], JSON.parse(body)];
      } catch {
        return 'down';
      }
    };
    const body = { service: { namespace: 'demo', name: 'balanced' }, serviceProxyHealthy: true };
    await expect.poll(told, SOON).toEqual([200, '2', { ...body, localEndpoints: 2 }]);
    await cluster.put({ ...BALANCED, pods: ['remote-a'] });
    await expect.poll(told, SOON).toEqual([503, '0', { ...body, localEndpoints: 0 }]);
    await cluster.put({ ...BALANCED, pods: ['pod-d'] });
    await expect.poll(told, SOON).toEqual([200, '1', { ...body, localEndpoints: 1 }]);
    await cluster.remove(BALANCED);
    await expect.poll(told, SOON).toBe('down');
  });

  test('the metrics server has what kube-proxy has', async () => {
    await cluster.start([BALANCED]);
    cluster.run();
    await expect.poll(() => healthOf(), SOON).toBe('200');
    await healthOf('/livez');
    const changed = { ...BALANCED, pods: ['remote-b'] };
    await cluster.put(changed, { 'endpoints.kubernetes.io/last-change-trigger-time': new Date().toISOString() });
    const programmed = 'kubeproxy_network_programming_duration_seconds';
    const scrape = async () => parseScrape((await askMetrics('/metrics')).body);
    const valueOf = async (name: string, labels: string) => (await scrape()).get(name)?.samples.get(labels);
    const pending = 'kubeproxy_sync_proxy_rules_service_changes_pending';
    await expect.poll(() => valueOf(programmed, `${programmed}_count{ip_family="IPv6"}`), SOON).toBe(1);
    await expect.poll(() => valueOf(pending, pending), SOON).toBe(0);
    const metrics = await scrape();
    const applies = Object.entries(KUBE_PROXY_METRICS).filter(
      ([, { modes }]) => modes === undefined || modes.some((mode) => mode === proxyMode),
    );
    for (const [name, { type, labels }] of applies) {
      const metric = metrics.get(name);
      expect([name, metric?.type]).toEqual([name, type]);
      for (const sample of metric?.samples.keys() ?? []) {
        const found = Array.from(sample.matchAll(/([a-z_]+)="/g), ([, label]) => label).filter(
          (label) => label !== 'le',
        );
        expect([sample, found]).toEqual([sample, [...labels].sort()]);
      }
    }
    const silent = applies.flatMap(([name]) => ((metrics.get(name)?.samples.size ?? 0) > 0 ? [] : [name]));
    expect(silent.filter((name) => !WITHOUT_SAMPLES.has(name))).toEqual([]);
    const samples = new Map([...metrics.values()].flatMap((metric) => [...metric.samples]));
    expect(samples.get('kubeproxy_proxy_livez_total{code="200"}')).toBe(1);
    expect(samples.get('kubeproxy_sync_proxy_rules_endpoint_changes_pending')).toBe(0);
    expect(samples.get('kubeproxy_sync_proxy_rules_service_changes_total')).toBe(2);
    expect(samples.get('kubeproxy_sync_proxy_rules_endpoint_changes_total')).toBe(4);
    const noLocal = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total';
    expect(samples.get(`${noLocal}{ip_family="IPv4",traffic_policy="external"}`)).toBe(2);
    expect(samples.get('sluice_service_ports{ip_family="IPv4"}')).toBe(2);
    const age = 'sluice_freshness_age_seconds';
    await expect.poll(() => valueOf(age, `${age}{resource="Service"}`), SOON).toBeLessThan(30);
  });

  test('packets to NodePorts on localhost are counted where they are served, and rules', async () => {
    await cluster.start([NODE_PORT]);
    cluster.run();
    await expect.poll(() => healthOf(), SOON).toBe('200');
    const valueOf = async (name: string, labels = '') =>
      parseScrape((await askMetrics('/metrics')).body)
        .get(name)
        ?.samples.get(name + labels);
    const taken = 'kubeproxy_iptables_localhost_nodeports_accepted_packets_total';
    const inIptablesMode = proxyMode === 'iptables';
    expect(await valueOf(taken)).toBe(inIptablesMode ? 0 : undefined);
    for (let n = 0; n < 3; n++) await ask({ host: '127.0.0.1', port: nodePort(NODE_PORT) }).catch(() => undefined);
    expect(await valueOf(taken)).toBe(inIptablesMode ? 3 : undefined);
    const invalid = 'kubeproxy_iptables_ct_state_invalid_dropped_packets_total';
    expect(await valueOf(invalid)).toBe(inIptablesMode ? 0 : undefined);
    const rules = 'kubeproxy_sync_proxy_rules_iptables_total';
    const labels = '{ip_family="IPv4",table="nat"}';
    const before = (await valueOf(rules, labels)) ?? Number.NaN;
    await cluster.put({ ...NODE_PORT, id: 22, name: 'another' });
    const grown = async () => ((await valueOf(rules, labels)) ?? Number.NaN) > before;
    await expect.poll(grown, SOON).toBe(inIptablesMode);
  });

  test('the pages of the metrics server', async () => {
    await cluster.start();
    cluster.run();
    await expect.poll(() => healthOf(), SOON).toBe('200');
    expect(await askMetrics('/proxyMode')).toMatchObject({ status: 200, body: proxyMode });
    const configz = await askMetrics('/configz');
    const config = { mode: proxyMode, hostnameOverride: 'node-1' };
    expect(JSON.parse(configz.body)).toMatchObject({ 'kubeproxy.config.k8s.io': config });
    for (const path of ['/healthz', '/statusz', '/flagz', '/readyz'])
      expect(await askMetrics(path)).toMatchObject({ status: 200 });
    expect(await askMetrics('/debug/pprof/')).toMatchObject({ status: 404 });
  });

  test('an Event says that it started', async () => {
    await cluster.start();
    cluster.run();
    await expect
      .poll(() => cluster.objects.posted, SOON)
      .toMatchObject([
        {
          method: 'POST',
          path: '/apis/events.k8s.io/v1/namespaces/default/events',
          body: { reason: 'Starting', type: 'Normal' },
        },
      ]);
  });
});
