import type { IncomingMessage, ServerResponse } from 'node:http';

/** An object as items of lists are: what they are is said only once. */
export interface ObjectBody {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

export interface UntypedObject extends ObjectBody {
  readonly kind: string;
  readonly apiVersion: string;
}

/** A cluster that others change and a server speaks for: in memory, or a real API server's. */
export interface ApiUpstream {
  /** Creates or replaces. */
  put(object: UntypedObject): Promise<void>;
  /** Does nothing when it is not there. */
  remove(object: UntypedObject): Promise<void>;
  /** @param query with `labelSelector` and `fieldSelector`. */
  list(kind: string, query?: string): Promise<readonly UntypedObject[]>;
  handle(request: IncomingMessage, response: ServerResponse): void;
}

const PATHS: Readonly<Record<string, string>> = {
  Service: '/api/v1/services',
  EndpointSlice: '/apis/discovery.k8s.io/v1/endpointslices',
  Node: '/api/v1/nodes',
  Namespace: '/api/v1/namespaces',
  Pod: '/api/v1/pods',
  ServiceCIDR: '/apis/networking.k8s.io/v1/servicecidrs',
};

/** The path of a kind's collection, or of a path that is one; empty when there is no such kind. */
export function collectionPath(kindOrPath: string): string {
  return PATHS[kindOrPath] ?? Object.values(PATHS).find((path) => path === kindOrPath) ?? '';
}

/** What the objects of a collection are. Clients that decode into types want to be told in lists and bookmarks too. */
export function typeOf(path: string): { readonly kind: string; readonly apiVersion: string } {
  const kind = Object.keys(PATHS).find((name) => PATHS[name] === path) ?? '';
  return { kind, apiVersion: path.replace(/^\/apis?\//, '').replace(/\/[^/]+$/, '') };
}

/** The path of one object, `/api/v1/namespaces/default/services/web`. */
export function objectPath({ kind, metadata }: UntypedObject): string {
  const path = collectionPath(kind);
  const at = path.lastIndexOf('/');
  const namespace = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${path.slice(0, at)}${namespace}${path.slice(at)}/${metadata.name}`;
}

export interface Refused {
  readonly status: number;
  readonly reason: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

/** Answers with a Status object. */
export function refuse(
  response: ServerResponse,
  { status, reason, message = reason, retryAfterSeconds }: Refused,
): void {
  const headers = retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) };
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code: status }));
}
