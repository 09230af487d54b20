import { beforeEach, describe, expect, it } from 'vitest';
import type { EventReport } from '../../../src/source/kube-events.ts';
import { KubeEvents } from '../../../src/source/kube-events.ts';
import type { KubeRequest } from '../../../src/source/kube-request.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';

let clock: FakeClock;
let sent: KubeRequest[] = [];
let log: ReturnType<typeof recordingLog>;
let answer: () => Promise<void>;
beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  log = recordingLog();
  answer = () => Promise.resolve();
});

function start(): KubeEvents {
  const send = (request: KubeRequest) => {
    sent.push(request);
    return answer();
  };
  return new KubeEvents({ client: { send }, nodeName: 'node-1', clock, log: log.log });
}

const report = (parts: Partial<EventReport> = {}): EventReport => ({
  regarding: { kind: 'Service', namespace: 'shop', name: 'web', uid: 'u-1' },
  type: 'Warning',
  reason: 'Skipped',
  action: 'WriteRules',
  note: 'because',
  ...parts,
});

describe('an Event', () => {
  it('says what the API wants to know', async () => {
    start().report(report());
    await settle();
    expect(sent).toEqual([
      {
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/shop/events',
        signal: expect.any(AbortSignal) as AbortSignal,
        body: {
          apiVersion: 'events.k8s.io/v1',
          kind: 'Event',
          metadata: { name: expect.stringMatching(/^web\.[0-9a-f]{16}$/) as string, namespace: 'shop' },
          eventTime: '2026-01-01T00:00:01.000000Z',
          reportingController: 'sluice',
          reportingInstance: 'sluice-node-1',
          type: 'Warning',
          reason: 'Skipped',
          action: 'WriteRules',
          regarding: { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u-1' },
          note: 'because',
        },
      },
    ]);
  });

  it('about a Node is in the default namespace', async () => {
    start().report(report({ regarding: { kind: 'Node', name: 'node-1' } }));
    await settle();
    expect(sent[0]?.path).toBe('/apis/events.k8s.io/v1/namespaces/default/events');
  });

  it('has a note of at most 1,024 bytes, and no half characters', async () => {
    start().report(report({ note: 'ü'.repeat(1000) }));
    await settle();
    const note = (sent[0]?.body as { note: string } | undefined)?.note ?? '';
    expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
    expect(note).toBe('ü'.repeat(510));
  });
});

it('repetitions are counted in the first one', async () => {
  const events = start();
  events.report(report());
  await settle();
  const name = (sent[0]?.body as { metadata: { name: string } } | undefined)?.metadata.name;
  for (let i = 0; i < 5; i++) events.report(report({ note: `again ${i}` }));
  await clock.advance(61_000);
  expect(sent.slice(1)).toMatchObject([
    {
      method: 'PATCH',
      path: `/apis/events.k8s.io/v1/namespaces/shop/events/${name}`,
      contentType: 'application/merge-patch+json',
      body: { series: { count: 6, lastObservedTime: '2026-01-01T00:00:01.000000Z' } },
    },
  ]);
  await clock.advance(600_000);
  expect(sent).toHaveLength(2);
  events.report(report());
  await settle();
  expect(sent[2]?.method).toBe('POST');
});

it('there are never many in a short time', async () => {
  const events = start();
  for (let i = 0; i < 200; i++)
    events.report(report({ regarding: { kind: 'Service', namespace: 'a', name: `s-${i}` } }));
  await clock.advance(100);
  expect(sent).toHaveLength(20);
});

it('are lost quietly when the server is away', async () => {
  answer = () => Promise.reject(new Error('away'));
  const events = start();
  events.report(report());
  await settle();
  expect(log.messages('debug')).toEqual(['an Event is lost: away']);
  expect(log.lines).toHaveLength(1);
});

it('stop waits for a moment only', async () => {
  answer = () =>
    new Promise((_, reject) => sent.at(-1)?.signal?.addEventListener('abort', () => reject(new Error('given up'))));
  const events = start();
  events.report(report());
  await settle();
  const stopped = events.stop();
  await clock.advance(1000);
  await stopped;
  events.report(report({ reason: 'Other' }));
  await settle();
  expect(sent).toHaveLength(1);
  expect(clock.pendingMs).toEqual([]);
});
