import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiUpstream, UntypedObject } from './api-upstream.ts';
import { collectionPath, objectPath, refuse, typeOf } from './api-upstream.ts';
import type { FakeWatch, HistoryEntry, StoredObject } from './fake-api-watch.ts';
import { selectorOf, startFakeWatch, whole } from './fake-api-watch.ts';

/**
 * An API server's idea of a cluster, in memory: lists in pages, streaming lists, watches with bookmarks, single objects,
 * the selectors that a service proxy uses, and a history that can be forgotten. It speaks JSON to whatever is accepted, as
 * clients take by Content-Type.
 */
export class FakeApiCluster implements ApiUpstream {
  /** By path. */
  readonly #objects = new Map<string, StoredObject>();
  /** That pages are still fetched of, by number. */
  readonly #lists = new Map<string, { readonly version: number; readonly objects: readonly StoredObject[] }>();
  readonly #watches = new Set<FakeWatch>();
  /** What was posted that is not an object of a proxy's: Events. */
  readonly posted: { readonly method: string; readonly path: string; readonly body: unknown }[] = [];
  /** How servers before 1.32 take a streaming list: refuse it, or (before 1.27) overlook that it was asked for. */
  streamingLists: 'served' | 'refused' | 'overlooked' = 'served';
  bookmarkMs = 60_000;
  /** Kinds that the server does not have. */
  absent: ReadonlySet<string> = new Set();
  #history: HistoryEntry[] = [];
  #forgotten = 0;
  #version = 1000;

  put(object: UntypedObject): Promise<void> {
    this.#version++;
    const { kind, apiVersion, ...rest } = object;
    const metadata = { ...object.metadata, resourceVersion: String(this.#version) };
    const stored = {
      path: collectionPath(kind),
      version: this.#version,
      json: { ...rest, metadata },
      kind,
      apiVersion,
    };
    const before = this.#objects.get(objectPath(object));
    this.#objects.set(objectPath(object), stored);
    this.#publish({ version: this.#version, before, after: stored });
    return Promise.resolve();
  }

  remove(object: UntypedObject): Promise<void> {
    const before = this.#objects.get(objectPath(object));
    if (before === undefined) return Promise.resolve();
    this.#version++;
    this.#objects.delete(objectPath(object));
    this.#publish({ version: this.#version, before, after: undefined });
    return Promise.resolve();
  }

  list(kind: string, query = ''): Promise<readonly UntypedObject[]> {
    const matches = selectorOf(new URLSearchParams(query));
    const found = this.#in(collectionPath(kind)).filter(({ json }) => matches(json));
    return Promise.resolve(found.map(({ json, apiVersion }) => ({ kind, apiVersion, ...json })));
  }

  /** Watches from versions up to now end in 410. */
  forgetHistory(): void {
    this.#history = [];
    this.#lists.clear();
    this.#forgotten = this.#version;
  }

  /** What {@link restore} goes back to. */
  backup(): () => void {
    const objects = new Map(this.#objects);
    const version = this.#version;
    return () => {
      this.#objects.clear();
      for (const [key, object] of objects) this.#objects.set(key, object);
      this.#version = version;
      this.#history = this.#history.filter((entry) => entry.version <= version);
    };
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://fake');
    if (request.method !== 'GET') return void this.#take(request, response);
    const isAbsent = [...this.absent].some((kind) => collectionPath(kind) === pathname);
    if (isAbsent || collectionPath(pathname) === '') return this.#get(pathname, response);
    if (searchParams.get('watch') === 'true') return this.#watch({ path: pathname, query: searchParams, response });
    return this.#list({ path: pathname, query: searchParams, response });
  }

  #get(path: string, response: ServerResponse): void {
    const found = this.#objects.get(path);
    if (found === undefined) return refuse(response, { status: 404, reason: 'NotFound' });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(whole(found)));
  }

  #publish(entry: HistoryEntry): void {
    this.#history.push(entry);
    for (const watch of this.#watches) watch.tell(entry);
  }

  #in(path: string): readonly StoredObject[] {
    return [...this.#objects.values()].filter((object) => object.path === path);
  }

  /** The pages of one list all show the same moment. */
  #list({ path, query, response }: FakeRequest): void {
    const [id = '', offset = '0'] = (query.get('continue') ?? '').split(':');
    const matches = selectorOf(query);
    const list =
      id === ''
        ? { version: this.#version, objects: this.#in(path).filter(({ json }) => matches(json)) }
        : this.#lists.get(id);
    if (list === undefined) return refuse(response, { status: 410, reason: 'Expired' });
    const { version, objects } = list;
    const end = Number(offset) + Number(query.get('limit') ?? objects.length);
    const nextId = id === '' ? String(this.#lists.size + 1) : id;
    if (end < objects.length) this.#lists.set(nextId, list);
    const metadata = {
      resourceVersion: String(version),
      ...(end < objects.length ? { continue: `${nextId}:${end}` } : {}),
    };
    const items = objects.slice(Number(offset), end).map(({ json }) => json);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const { kind, apiVersion } = typeOf(path);
    response.end(JSON.stringify({ kind: `${kind}List`, apiVersion, metadata, items }));
  }

  #watch({ path, query, response }: FakeRequest): void {
    const streaming = query.get('sendInitialEvents') === 'true';
    if (streaming && this.streamingLists === 'refused') {
      return refuse(response, { status: 422, reason: 'Invalid', message: 'sendInitialEvents: Forbidden' });
    }
    const after = streaming ? this.#version : Number(query.get('resourceVersion'));
    const watch = startFakeWatch({
      path,
      query,
      response,
      bookmarkMs: this.bookmarkMs,
      initial: streaming ? this.#in(path) : [],
      endsInitial: streaming && this.streamingLists === 'served',
      version: () => this.#version,
      isExpired: after < this.#forgotten,
      history: this.#history.filter((entry) => entry.version > after),
    });
    this.#watches.add(watch);
    response.on('close', () => {
      watch.stop();
      this.#watches.delete(watch);
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const type = request.headers['content-type'] ?? 'application/json';
    const body: unknown = type.includes('json') ? JSON.parse(bytes.toString()) : bytes;
    this.posted.push({ method: request.method ?? '', path: request.url ?? '', body });
    response.writeHead(201, { 'Content-Type': type });
    response.end(bytes); // What was made of it, for a client that decodes the answer.
  }
}

interface FakeRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly response: ServerResponse;
}
