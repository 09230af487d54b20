import type { IncomingMessage, ServerResponse } from 'node:http';

/** What handlers see of a request. */
export interface HttpRequest {
  readonly method: string;
  /** Without the query, as sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The Accept header; empty when there is none. */
  readonly accept: string;
  /** The body as text; `undefined` when it is longer than `maxBytes`. Nothing is read for a handler that does not ask. */
  readonly body: (maxBytes: number) => Promise<string | undefined>;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface HttpReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers one request. */
export type HttpHandler = (request: HttpRequest) => HttpReply | Promise<HttpReply>;

/** Tells browsers to believe the content type, as kube-proxy does. */
export const NO_SNIFF = { 'X-Content-Type-Options': 'nosniff' };

export function textReply(status: number, body: string): HttpReply {
  return { status, contentType: 'text/plain; charset=utf-8', body, headers: NO_SNIFF };
}

/** Compact, without a line break at the end, as Go writes it. */
export function jsonReply(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): HttpReply {
  return {
    status,
    contentType: 'application/json',
    body: JSON.stringify(value),
    headers: { ...NO_SNIFF, ...headers },
  };
}

/** Dispatches by exact path; anything else is 404, in the words of Go's servers. */
export function routes(handlers: Readonly<Record<string, HttpHandler>>): HttpHandler {
  return (request) => {
    const handler = Object.hasOwn(handlers, request.path) ? handlers[request.path] : undefined;
    return handler === undefined ? textReply(404, '404 page not found\n') : handler(request);
  };
}

const SCHEME_AND_HOST = /^https?:\/\/[^/?]*/i;

export function readRequest(incoming: IncomingMessage, signal: AbortSignal): HttpRequest {
  const target = (incoming.url ?? '').replace(SCHEME_AND_HOST, '');
  const mark = target.indexOf('?');
  return {
    method: incoming.method ?? '',
    path: mark < 0 ? target : target.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
    accept: incoming.headers.accept ?? '',
    body: (maxBytes) => readBody(incoming, maxBytes),
    signal,
  };
}

async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Left early, the connection must live on: the answer goes over it.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Sends a reply and, when the request has a body that nobody wants, ends the connection instead of reading it. */
export function sendReply(incoming: IncomingMessage, response: ServerResponse, reply: HttpReply): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = incoming.headers;
  const hasBody = length !== '0' || encoding !== undefined;
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, {
    ...reply.headers,
    'Content-Type': reply.contentType,
    'Content-Length': body.length,
    ...(hasBody ? { Connection: 'close' } : {}),
  });
  response.end(body);
}
