import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiUpstream, UntypedObject } from '../../lab/api/api-upstream.ts';
import { FakeApiCluster } from '../../lab/api/fake-api-cluster.ts';
import { RealApiCluster } from '../../lab/api/real-api-cluster.ts';
import { createSynthetic } from '../../source/synthetic.ts';
import type { ApiAnswer, ApiOrder } from './api-orders.ts';
import { nowMs } from './now.ts';

/** Requests under way to a real API server, while objects are loaded. */
const LOADERS = 32;

/**
 * The API server of the benchmark, in a process of its own: what it costs is nobody else's. Reads {@link ApiOrder}s and answers
 * them until the input ends.
 */
export async function runApiServer(input: Readable, output: Writable): Promise<void> {
  const server = new BenchApiServer();
  try {
    for await (const line of createInterface({ input })) {
      const answer = await server
        .obey(JSON.parse(line) as ApiOrder)
        .catch((thrown: unknown): ApiAnswer => ({ error: thrown instanceof Error ? thrown.message : String(thrown) }));
      output.write(`${JSON.stringify(answer)}\n`);
    }
  } finally {
    await server.stop();
  }
}

class BenchApiServer {
  #cluster: FakeApiCluster | RealApiCluster = new FakeApiCluster();
  #churn: Promise<void> = Promise.resolve();
  #stopped = false;
  readonly #server = createServer((request, response) => this.#cluster.handle(request, response));

  async obey(order: ApiOrder): Promise<ApiAnswer> {
    switch (order.do) {
      case 'start':
        if (order.assets !== undefined) this.#cluster = await RealApiCluster.start(order.assets);
        return { doneMs: nowMs(), url: await this.#listen(order.address) };
      case 'put':
        for (const object of order.objects) await this.#cluster.put(object);
        break;
      case 'remove':
        for (const object of order.objects) await this.#cluster.remove(object);
        break;
      case 'load':
        await this.#load(objectsOf(order));
        break;
      case 'churn':
        this.#churn = this.#change(order);
        break;
      case 'await-churn':
        await this.#churn;
        break;
    }
    return { doneMs: nowMs() };
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#cluster instanceof RealApiCluster) await this.#cluster.stop();
  }

  async #listen(address: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, address, resolve);
    });
    return `http://${address}:${(this.#server.address() as AddressInfo).port}`;
  }

  async #load(objects: Iterator<UntypedObject>): Promise<void> {
    await Promise.all(Array.from({ length: LOADERS }, () => putAll(this.#cluster, objects)));
    // Watches are to begin with a list, and the history is not to be memory without a use.
    if (this.#cluster instanceof FakeApiCluster) this.#cluster.forgetHistory();
  }

  async #change(order: Extract<ApiOrder, { do: 'churn' }>): Promise<void> {
    const { services, perSecond, durationMs } = order;
    const synthetic = createSynthetic(order);
    const total = (perSecond * durationMs) / 1000;
    const startMs = nowMs();
    for (let change = 0; change < total; ) {
      const due = Math.min(total, ((nowMs() - startMs) * perSecond) / 1000);
      for (; change < due && !this.#stopped; change++) {
        const { json } = synthetic.slice((change * 7919) % services, 1 + Math.floor(change / services));
        await this.#cluster.put(json as UntypedObject);
      }
      if (this.#stopped) return;
      await sleep(1000 / perSecond);
    }
  }
}

function* objectsOf(size: Extract<ApiOrder, { do: 'load' }>): Generator<UntypedObject> {
  for (const { json } of createSynthetic(size).events()) yield json as UntypedObject;
}

async function putAll(upstream: ApiUpstream, objects: Iterator<UntypedObject>): Promise<void> {
  for (let next = objects.next(); next.done !== true; next = objects.next()) await upstream.put(next.value);
}
