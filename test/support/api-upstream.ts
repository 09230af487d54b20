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

/** A cluster that tests change and a server speaks for: in memory, or a real API server's. */
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
  ServiceCIDR: '/apis/networking.k8s.io/v1/servicecidrs',
};

/** The path of a kind's collection, or of a path that is one; empty when there is no such kind. */
export function collectionPath(kindOrPath: string): string {
  return PATHS[kindOrPath] ?? Object.values(PATHS).find((path) => path === kindOrPath) ?? '';
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
