import { onTestFinished } from 'vitest';
import { SluiceError } from '../../src/base/errors.ts';
import type { ObjectEvent } from '../../src/model/store.ts';
import type { ReflectorOptions } from '../../src/source/reflector.ts';
import { Reflector } from '../../src/source/reflector.ts';
import { FakeClock } from './fake-clock.ts';
import { recordingLog } from './recording-log.ts';
import { ScriptedApi } from './scripted-api.ts';

/** A reflector whose API a test answers by hand; it is stopped when the test ends. */
export function startReflector(options: Partial<ReflectorOptions> = {}) {
  const clock = new FakeClock();
  const api = new ScriptedApi();
  const log = recordingLog();
  const events: string[] = [];
  const batches: number[] = [];
  let synced = 0;
  const made = new Reflector({
    resource: { kind: 'Service', path: '/api/v1/services', namespaced: true, labelSelector: '!hidden' },
    client: api,
    clock,
    log: log.log,
    random: () => 0,
    onEvents: (batch) => {
      batches.push(batch.length);
      for (const event of batch) events.push(brief(event));
    },
    onSynced: () => {
      synced++;
    },
    ...options,
  });
  onTestFinished(() => made.stop());
  return { clock, api, log, events, batches, reflector: made, synced: () => synced };
}

/** `namespace/name version`, or `gone`. */
export function brief({ name, json }: ObjectEvent): string {
  const { metadata } = (json ?? {}) as { metadata?: { resourceVersion: string } };
  return `${name} ${metadata?.resourceVersion ?? 'gone'}`;
}

const object = (name: string, resourceVersion: string | number) => ({
  kind: 'Service',
  metadata: { namespace: 'a', name, resourceVersion: String(resourceVersion) },
});
export const added = (name: string, version: number) => ({ type: 'ADDED', object: object(name, version) });
export const modified = (name: string, version: number) => ({ type: 'MODIFIED', object: object(name, version) });
export const deleted = (name: string, version: number) => ({ type: 'DELETED', object: object(name, version) });
export const bookmark = (version: number) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: String(version) } },
});
export const initialEnd = (version: number) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } } },
});
export const list = (version: number, names: readonly string[], next?: string) => ({
  kind: 'ServiceList',
  metadata: { resourceVersion: String(version), ...(next === undefined ? {} : { continue: next }) },
  items: names.map((name) => object(name, name.split('@')[1] ?? 1)).map((item) => ({ ...item, kind: undefined })),
});
export const refused = (status: number, facts: object = {}) =>
  new SluiceError({ code: 'api-refused', message: `refused with ${status}`, data: { status, ...facts } });
export const unreachable = new SluiceError({ code: 'api-unreachable', message: 'connect ECONNREFUSED' });

/** A reflector whose first list has a and b, at version 10. */
export async function startFollowing(options: Partial<ReflectorOptions> = {}) {
  const all = startReflector(options);
  await all.api.call.accept(added('a', 1), added('b', 2), initialEnd(10));
  all.events.length = 0;
  return all;
}
