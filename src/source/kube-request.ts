import type { Agent, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../base/clock.ts';
import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { Connection } from './kube-identity.ts';

export interface KubeRequest {
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'PATCH';
  /** With its query: `/api/v1/services?limit=500`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Default `application/json`. */
  readonly accept?: string;
  /** A part of an operation that the rate limit has let pass already: the next page of a list. */
  readonly continues?: boolean;
  readonly signal?: AbortSignal;
}

/** The body of a successful answer, as it comes in. */
export interface KubeAnswer {
  /** Fails with {@link SluiceError} `api-unreachable` when the connection breaks, or with what `close` was given. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Lets go of the connection; needed unless the body was read to its end. */
  close(reason?: SluiceError): void;
}

/** Facts in the data of an `api-refused` error. */
export interface Refusal {
  readonly status: number;
  /** Of the Status object: `Expired`, `Forbidden`, … */
  readonly reason?: string;
  /** The server does not want to hear from us earlier. */
  readonly retryAfterMs?: number;
}

export interface ExchangeOptions {
  /** What the request's `body` is as JSON. */
  readonly body: string | undefined;
  readonly connection: Connection;
  readonly agent: Agent;
  readonly userAgent: string;
  readonly clock: Clock;
  /** How long the head of the answer may take, connecting included. */
  readonly headTimeoutMs: number;
}

/** How soon the kernel starts to probe a connection on which nothing happens (half-open ones end in an error then). */
const TCP_KEEP_ALIVE_MS = 15_000;

const MAX_ERROR_BYTES = 65_536;

/** An absurd Retry-After must not make us blind. */
const MAX_RETRY_AFTER_MS = 120_000;

/**
 * Sends one request and waits for the head of the answer, whatever its status.
 *
 * @throws {SluiceError} `api-unreachable`.
 */
export function exchange(request: KubeRequest, options: ExchangeOptions): Promise<IncomingMessage> {
  const { body, connection, agent, clock, headTimeoutMs } = options;
  const { method = 'GET', path, signal } = request;
  const headers = {
    Accept: request.accept ?? 'application/json',
    'User-Agent': options.userAgent,
    ...(body === undefined ? {} : { 'Content-Type': request.contentType ?? 'application/json' }),
    ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
    ...connection.headers,
  };
  return new Promise((resolve, reject) => {
    const url = new URL(connection.server + path);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const call = send(url, { method, agent, headers, ...(signal === undefined ? {} : { signal }) });
    const seconds = headTimeoutMs / 1000;
    const cancel = clock.after(headTimeoutMs, () => call.destroy(new Error(`no answer within ${seconds} s`)));
    call.on('socket', (socket) => socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS));
    call.on('response', (answer) => {
      cancel();
      resolve(answer);
    });
    // Stays registered: an abort after the answer is reported here too, and would end the process otherwise.
    call.on('error', (cause: NodeJS.ErrnoException) => {
      cancel();
      const message = `${method} ${connection.server}${bare(path)}: ${cause.message || cause.code}`;
      reject(unreachable(message, { cause, stale: call.reusedSocket && cause.code === 'ECONNRESET' }));
    });
    call.end(body);
  });
}

/** @throws {SluiceError} `api-refused` with a {@link Refusal} for any status but 2xx. */
export async function refuseErrors(answer: IncomingMessage, request: KubeRequest, clock: Clock): Promise<void> {
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  const cancel = clock.after(10_000, () => answer.destroy());
  const text = await readText(answer).finally(cancel);
  const { reason, message, details } = statusObject(text);
  const seconds = Number(answer.headers['retry-after'] ?? details?.retryAfterSeconds);
  const retryAfterMs = Math.min(MAX_RETRY_AFTER_MS, seconds * 1000);
  throw new SluiceError({
    code: 'api-refused',
    message:
      `${request.method ?? 'GET'} ${bare(request.path)}: ${status} ${message ?? answer.statusMessage ?? ''}`.trim(),
    ...hintFor(status),
    data: {
      status,
      ...(reason === undefined ? {} : { reason }),
      ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
    } satisfies Refusal,
  });
}

function hintFor(status: number): { hint?: string } {
  if (status === 401)
    return { hint: 'the credentials are not valid (any more): look at token, certificate and server' };
  return status === 403 ? { hint: 'grant it with RBAC; deploy/ has the ClusterRole' } : {};
}

/** What an `api-refused` error says; `undefined` for others. */
export function refusalOf(error: SluiceError): Refusal | undefined {
  return error.code === 'api-refused' ? (error.data as unknown as Refusal) : undefined;
}

/** The body of an answer, with its errors as ours; `onEnd` learns its size when it was read as a whole. */
export function streamOf(answer: IncomingMessage, what: string, onEnd: (bytes: number) => void): KubeAnswer {
  return {
    chunks: {
      async *[Symbol.asyncIterator]() {
        try {
          let bytes = 0;
          for await (const chunk of answer as AsyncIterable<Buffer>) {
            bytes += chunk.length;
            yield chunk;
          }
          onEnd(bytes);
        } catch (thrown) {
          if (thrown instanceof SluiceError) throw thrown;
          throw unreachable(`${what}: the connection broke: ${toSluiceError(thrown).message}`, { cause: thrown });
        }
      },
    },
    close: (reason) => void answer.destroy(reason),
  };
}

function unreachable(message: string, { cause, stale = false }: { cause: unknown; stale?: boolean }): SluiceError {
  return new SluiceError({ code: 'api-unreachable', message, cause, data: { stale } });
}

/** Was it a kept connection that the server had given up meanwhile? Then the request never reached it. */
export function wasStale(error: SluiceError): boolean {
  return error.data['stale'] === true;
}

/** Selectors make messages hard to read. */
function bare(path: string): string {
  return path.replace(/\?.*/, '');
}

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: unknown };
}

/** A proxy in between may answer with anything. */
function statusObject(text: string): Status {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null) return {};
    const { reason, message, details } = json as Record<string, unknown>;
    return {
      ...(typeof reason === 'string' ? { reason } : {}),
      ...(typeof message === 'string' ? { message: message.slice(0, 300) } : {}),
      ...(typeof details === 'object' && details !== null ? { details } : {}),
    };
  } catch {
    return {};
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_ERROR_BYTES) break;
    }
  } catch {
    // The status is what counts; its explanation may be lost.
  }
  return Buffer.concat(chunks).toString('utf8');
}
