import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ApiAnswer, ApiOrder } from '../../../../src/bench/compare/api-orders.ts';
import { runApiServer } from '../../../../src/bench/compare/api-server.ts';
import { nowMs } from '../../../../src/bench/compare/now.ts';
import { BASE_OBJECTS, probeNumbered } from '../../../../src/bench/compare/workload.ts';

const SIZE = { services: 5, endpointsPerService: 2, seed: 1 };

let input: PassThrough;
let answers: AsyncIterator<string>;
let ended: Promise<void>;
let url = '';

async function tell(order: ApiOrder): Promise<ApiAnswer> {
  input.write(`${JSON.stringify(order)}\n`);
  const { value } = await answers.next();
  return JSON.parse(String(value)) as ApiAnswer;
}

interface Listed {
  readonly metadata: { readonly name: string };
  readonly endpoints?: readonly { readonly addresses: readonly string[] }[];
}

async function list(path: string): Promise<readonly Listed[]> {
  const answer = (await (await fetch(url + path, { headers: { Connection: 'close' } })).json()) as { items: Listed[] };
  return answer.items;
}

beforeEach(async () => {
  input = new PassThrough();
  const output = new PassThrough();
  answers = createInterface({ input: output })[Symbol.asyncIterator]();
  ended = runApiServer(input, output);
  const started = await tell({ do: 'start', address: '127.0.0.1' });
  url = 'url' in started ? (started.url ?? '') : '';
});

afterEach(async () => {
  input.end();
  await ended;
});

it('has the objects that it is told, and a synthetic cluster', async () => {
  const { service, slice } = probeNumbered(7);
  await tell({ do: 'put', objects: [...BASE_OBJECTS, service, slice('10.200.0.1')] });
  const before = nowMs();
  const answer = await tell({ do: 'load', ...SIZE });
  expect('doneMs' in answer && answer.doneMs > before && answer.doneMs <= nowMs()).toBe(true);
  expect(await list('/api/v1/services')).toHaveLength(6);
  expect(await list('/apis/discovery.k8s.io/v1/endpointslices')).toHaveLength(6);
  expect(await list('/api/v1/nodes')).toMatchObject([{ metadata: { name: 'node-1' } }]);
  await tell({ do: 'remove', objects: [service] });
  expect(await list('/api/v1/services')).toHaveLength(5);
});

it('changes endpoints for a while, and obeys meanwhile', async () => {
  await tell({ do: 'load', ...SIZE });
  const addresses = async () =>
    (await list('/apis/discovery.k8s.io/v1/endpointslices')).map(({ endpoints }) => JSON.stringify(endpoints));
  const before = await addresses();
  await tell({ do: 'churn', ...SIZE, perSecond: 100, durationMs: 150 });
  const { service } = probeNumbered(1);
  await tell({ do: 'put', objects: [service] });
  await tell({ do: 'await-churn' });
  const after = await addresses();
  expect(after.filter((slice) => !before.includes(slice))).toHaveLength(5);
  expect(await list('/api/v1/services')).toHaveLength(6);
});

it('says what it could not do, and goes on', async () => {
  const other = await tell({ do: 'load', services: 2 ** 21, endpointsPerService: 1, seed: 1 });
  expect(other).toEqual({ error: expect.stringContaining('no addresses') });
  expect(await tell({ do: 'await-churn' })).toHaveProperty('doneMs');
});

it('ends with its input', async () => {
  input.end();
  await ended;
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});
