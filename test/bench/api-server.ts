import { createSynthetic } from '../../src/source/synthetic.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { FakeApiCluster } from '../../src/lab/api/fake-api-cluster.ts';
import { FaultyApiServer } from '../support/faulty-api-server.ts';
import type { ApiAnswer, ApiOrder } from './api-process.ts';

// The API server of the benchmark, in a process of its own: what it costs is not the program's.

const cluster = new FakeApiCluster();
const server = new FaultyApiServer(cluster);

async function load(services: number, endpointsPerService: number): Promise<void> {
  for (const { json } of createSynthetic({ services, endpointsPerService }).events()) {
    await cluster.put(json as UntypedObject);
  }
  // Watches are to begin with a list, and the history is not to be memory without a use.
  cluster.forgetHistory();
}

/** One changed endpoint each, evenly spread over the time. */
async function churn(order: Extract<ApiOrder, { do: 'churn' }>): Promise<void> {
  const { services, endpointsPerService, perSecond, durationMs } = order;
  const synthetic = createSynthetic({ services, endpointsPerService });
  const startMs = performance.now();
  for (let change = 0; change < (perSecond * durationMs) / 1000; ) {
    const dueChanges = ((performance.now() - startMs) * perSecond) / 1000;
    for (; change < dueChanges; change++) {
      const { json } = synthetic.slice((change * 7919) % services, 1 + Math.floor(change / services));
      await cluster.put(json as UntypedObject);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
  }
}

async function obey(order: ApiOrder): Promise<void> {
  switch (order.do) {
    case 'put':
      for (const object of order.objects) await cluster.put(object);
      return;
    case 'remove':
      for (const object of order.objects) await cluster.remove(object);
      return;
    case 'load':
      return load(order.services, order.endpointsPerService);
    case 'churn':
      return churn(order);
  }
}

process.on('message', (order: ApiOrder & { readonly id: number }) => {
  void obey(order).then(() => {
    // The clock is the machine's, the same for all its processes.
    const answer: ApiAnswer = { id: order.id, doneNs: process.hrtime.bigint().toString() };
    process.send?.(answer);
  });
});
process.on('disconnect', () => process.exit());

await server.start();
process.send?.({ id: 0, doneNs: '0', url: server.url } satisfies ApiAnswer);
