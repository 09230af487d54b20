import { beforeEach, expect, test } from 'vitest';
import { NodeEvents } from '../../../src/app/node-events.ts';
import { BACKENDS } from '../../../src/backend/registry.ts';
import type { KubeRequest } from '../../../src/source/kube-request.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

let events: NodeEvents;
let sent: KubeRequest[];

beforeEach(() => {
  sent = [];
  events = new NodeEvents('node-1', new FakeClock(), recordingLog().log);
});

function connect(): void {
  events.connect({
    send: (request) => {
      sent.push(request);
      return Promise.resolve();
    },
  });
}

async function reported(): Promise<readonly unknown[]> {
  await settle();
  return sent.map(({ body }) => body);
}

test.each(BACKENDS)(
  'the start with $name is an Event of the Node, and so is what kube-proxy warns of',
  async (backend) => {
    connect();
    events.starting(backend.advice);
    const start = { action: 'StartKubeProxy', regarding: { apiVersion: 'v1', kind: 'Node', name: 'node-1' } };
    const migrate = expect.stringMatching(
      /deprecated the proxy mode ipvs.*--proxy-mode nftables.*mode: nftables/,
    ) as string;
    const deprecation = { ...start, type: 'Warning', reason: 'IPVSDeprecation', note: migrate };
    const isDeprecated = backend.name === 'ipvs';
    expect(await reported()).toMatchObject([
      { ...start, type: 'Normal', reason: 'Starting' },
      ...(isDeprecated ? [deprecation] : []),
    ]);
  },
);

test('without an API server nothing is reported', async () => {
  events.starting();
  expect(await reported()).toEqual([]);
});

test('a Service that is skipped is told once, for as long as the reason lasts', async () => {
  connect();
  const problem = { kind: 'Service', object: 'shop/web', path: '', effect: 'skipped', message: 'no' } as const;
  for (const problems of [[problem], [problem], [], [problem]]) events.skipped(problems);
  expect(await reported()).toMatchObject([
    { type: 'Warning', reason: 'ServiceSkipped', regarding: { kind: 'Service', namespace: 'shop', name: 'web' } },
  ]);
});
