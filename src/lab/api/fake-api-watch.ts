import type { ServerResponse } from 'node:http';
import type { ObjectBody, UntypedObject } from './api-upstream.ts';
import { typeOf } from './api-upstream.ts';

export interface StoredObject {
  /** Of its collection. */
  readonly path: string;
  readonly version: number;
  readonly kind: string;
  readonly apiVersion: string;
  /** Without kind and apiVersion, as lists have it. */
  readonly json: ObjectBody;
}

export interface HistoryEntry {
  readonly version: number;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

export interface FakeWatch {
  tell(entry: HistoryEntry): void;
  stop(): void;
}

export interface FakeWatchOptions {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
  readonly bookmarkMs: number;
  /** What is sent before anything happens. */
  readonly initial: readonly StoredObject[];
  readonly endsInitial: boolean;
  readonly version: () => number;
  readonly isExpired: boolean;
  readonly history: readonly HistoryEntry[];
}

/** Answers a watch. Objects that begin or cease to match its selectors are added or deleted, as far as it can see. */
export function startFakeWatch(options: FakeWatchOptions): FakeWatch {
  const { path, query, response, bookmarkMs, initial, endsInitial, version, isExpired, history } = options;
  const matches = selectorOf(query);
  const sees = (object: StoredObject | undefined) => object?.path === path && matches(object.json);
  const send = (type: string, object: unknown): void => {
    if (!response.writableEnded) response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const bookmark = (annotations?: object) =>
    send('BOOKMARK', {
      ...typeOf(path),
      metadata: { resourceVersion: String(version()), ...(annotations && { annotations }) },
    });
  const tell = ({ version: at, before, after }: HistoryEntry): void => {
    const [saw, seen] = [sees(before), sees(after)];
    if (after !== undefined && seen) send(saw ? 'MODIFIED' : 'ADDED', whole(after));
    else if (before !== undefined && saw) send('DELETED', whole(before, at));
  };
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  if (isExpired) {
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 410, reason: 'Expired' };
    send('ERROR', { ...status, message: 'too old resource version' });
    response.end();
  }
  for (const object of initial) if (sees(object)) send('ADDED', whole(object));
  if (endsInitial) bookmark({ 'k8s.io/initial-events-end': 'true' });
  for (const entry of history) tell(entry);
  const timer = setInterval(bookmark, bookmarkMs);
  return { tell, stop: () => clearInterval(timer) };
}

/** An object as a watch or a request for it alone has it; its version is another when it was deleted. */
export function whole({ kind, apiVersion, json }: StoredObject, version?: number): UntypedObject {
  if (version === undefined) return { kind, apiVersion, ...json };
  return { kind, apiVersion, ...json, metadata: { ...json.metadata, resourceVersion: String(version) } };
}

/** What `labelSelector` and `fieldSelector` of a query select, as far as a service proxy uses them. */
export function selectorOf(query: URLSearchParams): (json: ObjectBody) => boolean {
  const label = query.get('labelSelector') ?? '';
  const field = query.get('fieldSelector') ?? '';
  const unwanted = label === '' ? [] : label.split(',');
  if (unwanted.some((term) => !term.startsWith('!'))) throw new Error(`the fake knows no label selector like ${label}`);
  const [, path = '', operator, value] = /^([\w.]+)(!?=)(.*)$/.exec(field) ?? [];
  return (json) => {
    if (unwanted.some((term) => json.metadata.labels?.[term.slice(1)] !== undefined)) return false;
    if (path === '') return true;
    const found = path
      .split('.')
      .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], json);
    return operator === '=' ? found === value : found !== value;
  };
}
