import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeApiCluster } from '../../../../src/lab/api/fake-api-cluster.ts';
import type { HttpAnswer } from '../../../support/http.ts';
import { ask } from '../../../support/http.ts';
import { kubeNode, kubeService } from '../../../support/kube-objects.ts';

const cluster = new FakeApiCluster();
const server = createServer((request, response) => cluster.handle(request, response));

beforeEach(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});

afterEach(() => new Promise((resolve) => void server.close(resolve)));

function get(path: string): Promise<HttpAnswer> {
  return ask({ port: (server.address() as AddressInfo).port, path });
}

// What client-go, and so kube-proxy, needs beyond what our own reflector does.
describe('a client that decodes into types', () => {
  it('is told the type of a list and of a bookmark', async () => {
    await cluster.put(kubeService(0));
    const list = await get('/api/v1/services?limit=500&resourceVersion=0');
    expect(JSON.parse(list.body)).toMatchObject({ kind: 'ServiceList', apiVersion: 'v1' });
    const slices = await get('/apis/discovery.k8s.io/v1/endpointslices');
    expect(JSON.parse(slices.body)).toMatchObject({ kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1' });
    const stop = new AbortController();
    const { port } = server.address() as AddressInfo;
    const query = 'watch=true&sendInitialEvents=true&allowWatchBookmarks=true';
    const watch = await fetch(`http://127.0.0.1:${port}/api/v1/services?${query}`, { signal: stop.signal });
    let text = '';
    for await (const chunk of watch.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('initial-events-end')) break;
    }
    stop.abort();
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(events).toMatchObject([
      { type: 'ADDED', object: { kind: 'Service', apiVersion: 'v1', metadata: { name: 'svc-0' } } },
      { type: 'BOOKMARK', object: { kind: 'Service', apiVersion: 'v1' } },
    ]);
  });

  it('gets single objects by name', async () => {
    await cluster.put(kubeNode('zone-a'));
    const node = await get('/api/v1/nodes/node-1');
    expect(JSON.parse(node.body)).toMatchObject({ kind: 'Node', apiVersion: 'v1', metadata: { name: 'node-1' } });
    await cluster.put(kubeService(3));
    expect(await get('/api/v1/namespaces/default/services/svc-3')).toMatchObject({ status: 200 });
    expect(await get('/api/v1/namespaces/other/services/svc-3')).toMatchObject({ status: 404 });
    expect(JSON.parse((await get('/api/v1/nodes/node-2')).body)).toMatchObject({ kind: 'Status', reason: 'NotFound' });
  });

  it('selects by labels that must not be there', async () => {
    await cluster.put(kubeService(1, 0, { 'service.kubernetes.io/headless': '' }));
    await cluster.put(kubeService(2, 0, { 'service.kubernetes.io/service-proxy-name': 'other' }));
    await cluster.put(kubeService(4, 0, { app: 'web' }));
    const wanted = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';
    const { body } = await get(`/api/v1/services?labelSelector=${encodeURIComponent(wanted)}`);
    const { items } = JSON.parse(body) as { items: { metadata: { name: string } }[] };
    const names = items.map(({ metadata }) => metadata.name);
    expect(names).toContain('svc-4');
    expect(names).not.toContain('svc-1');
    expect(names).not.toContain('svc-2');
  });

  it('may post Events in protobuf, and gets back what it sent', async () => {
    const { port } = server.address() as AddressInfo;
    const type = 'application/vnd.kubernetes.protobuf';
    const path = '/apis/events.k8s.io/v1/namespaces/default/events';
    const answer = await ask({ port, path, method: 'POST', headers: { 'Content-Type': type }, body: 'k8s\u0000…' });
    expect(answer).toMatchObject({ status: 201, headers: { 'content-type': type }, body: 'k8s\u0000…' });
  });
});
