import { connect } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { IpAddress } from '../../../src/model/address.ts';
import type { HttpHandler } from '../../../src/observe/http-exchange.ts';
import { routes, textReply } from '../../../src/observe/http-exchange.ts';
import { HttpServer } from '../../../src/observe/http-server.ts';
import type { HttpServerOptions } from '../../../src/observe/http-server.ts';
import type { Log } from '../../../src/base/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ask, freePort, occupyPort } from '../../support/http.ts';

const LOOPBACK = '127.0.0.1' as IpAddress;

const servers: HttpServer[] = [];
const clocks: FakeClock[] = [];

afterEach(async () => {
  const closed = Promise.all(servers.splice(0).map((server) => server.close()));
  for (const clock of clocks.splice(0)) await clock.advance(1000);
  await closed;
});

function create(options: Partial<HttpServerOptions> = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const say = (message: string) => void lines.push(message);
  const log: Log = { debug() {}, info: say, warn: say, error: say };
  const server = new HttpServer({
    name: 'test',
    address: { host: LOOPBACK, port: 0 },
    handler: ({ method, path }) => textReply(200, `${method} ${path}`),
    clock,
    log,
    whenUnavailable: 'fail',
    ...options,
  });
  servers.push(server);
  clocks.push(clock);
  return { server, clock, lines };
}

async function start(options: Partial<HttpServerOptions> = {}) {
  const created = create(options);
  await created.server.start();
  return { ...created, port: created.server.address?.port ?? 0 };
}

/** Sends raw text and collects what comes back until the other side ends the connection. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: LOOPBACK, port }, () => socket.write(text));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('answers', () => {
  test.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'])('%s gets what the handler says', async (method) => {
    const { port } = await start();
    const { status, body, headers } = await ask({ port, method, path: '/a?b=c' });
    expect({ status, body, length: headers['content-length'] }).toEqual({
      status: 200,
      body: `${method} /a`,
      length: String(method.length + 3),
    });
  });

  test('HEAD gets the head only', async () => {
    const { port } = await start();
    const { body, headers } = await ask({ port, method: 'HEAD', path: '/' });
    expect(body).toBe('');
    expect(headers['content-length']).toBe('6');
  });

  test.each([
    ['/one', 200, 'first'],
    ['/one?x=1', 200, 'first'],
    ['/one/', 404, '404 page not found\n'],
    ['/toString', 404, '404 page not found\n'],
    ['/', 404, '404 page not found\n'],
  ])('routes: %s is %i', async (path, status, body) => {
    const { port } = await start({ handler: routes({ '/one': () => textReply(200, 'first') }) });
    expect(await ask({ port, path })).toMatchObject({ status, body });
  });

  test('a handler that throws costs one answer and one log line', async () => {
    const handler: HttpHandler = ({ path }) => {
      if (path === '/bad') throw new Error('oh');
      return textReply(200, 'ok');
    };
    const { port, lines } = await start({ handler });
    expect((await ask({ port, path: '/bad' })).status).toBe(500);
    expect((await ask({ port })).status).toBe(200);
    expect(lines).toEqual(['test server cannot answer /bad']);
  });

  test('a body is not read: the connection ends after the answer', async () => {
    const { port } = await start();
    const answer = await talk(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\nsome');
    // One answer and the end, not a later 408 that ends it too.
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*Connection: close\r\n(?:.+\r\n)*\r\nPOST \/$/);
  });

  test.each([
    ['x'.repeat(8), '8'],
    ['x'.repeat(9), 'too long'],
    ['', '0'],
  ])('a handler that wants the body "%s" is told %s', async (body, told) => {
    const handler: HttpHandler = async (request) => textReply(200, `${(await request.body(8))?.length ?? 'too long'}`);
    const { port } = await start({ handler });
    const head = `PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await talk(port, head + body)).toMatch(new RegExp(`\r\n\r\n${told}$`));
  });

  test('absolute targets are understood', async () => {
    const { port } = await start();
    const answer = await talk(port, 'GET http://node/healthz HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/GET \/healthz$/);
  });

  test.each([
    ['rubbish', 'rubbish\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['a head that is too large', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(9000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ])('%s is refused', async (_, text, expected) => {
    const { port } = await start();
    expect(await talk(port, text)).toMatch(expected);
  });

  test('the handler learns that the client has gone', async () => {
    let noticed = false;
    const handler: HttpHandler = async ({ signal }) => {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      noticed = true;
      return textReply(200, 'nobody reads this');
    };
    const { port } = await start({ handler });
    const socket = connect({ host: LOOPBACK, port }, () => socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'));
    setTimeout(() => socket.destroy(), 50);
    await vi.waitFor(() => expect(noticed).toBe(true));
  });
});

describe('listening', () => {
  test.each([
    ['0.0.0.0', ['127.0.0.1', '::1']],
    ['::', ['127.0.0.1', '::1']],
    ['::1', ['::1']],
  ])('%s takes connections to %j', async (host, from) => {
    const { port } = await start({ address: { host: host as IpAddress, port: 0 } });
    for (const target of from) expect((await ask({ host: target, port })).status).toBe(200);
  });

  test.each([
    ['0.0.0.0', '127.0.0.1', '::1'],
    ['::', '::1', '127.0.0.1'],
  ])('%s in its own family takes connections to %s, not to %s', async (host, good, bad) => {
    const { port } = await start({ address: { host: host as IpAddress, port: 0, singleFamily: true } });
    expect((await ask({ host: good, port })).status).toBe(200);
    await expect(ask({ host: bad, port })).rejects.toThrow('ECONNREFUSED');
  });

  test('a port that is taken is tried again every 5 s, with one line in the log', async () => {
    const other = await occupyPort(LOOPBACK);
    const { server, clock, lines } = create({
      address: { host: LOOPBACK, port: other.port },
      whenUnavailable: 'retry',
    });
    await server.start();
    expect(server.address).toBeUndefined();
    expect(clock.pendingMs).toEqual([5000]);
    await clock.advance(5000);
    await vi.waitFor(() => expect(clock.pendingMs).toEqual([5000]));
    await other.release();
    await clock.advance(5000);
    await vi.waitFor(() => expect(server.address?.port).toBe(other.port));
    expect((await ask({ port: other.port })).status).toBe(200);
    expect(lines).toEqual([
      expect.stringMatching(/^the test server cannot listen on 127\.0\.0\.1:\d+: .*trying again every 5 s$/),
    ]);
  });

  test('or fails at once', async () => {
    const other = await occupyPort(LOOPBACK);
    const { server, clock } = create({ address: { host: LOOPBACK, port: other.port } });
    await expect(server.start()).rejects.toMatchObject({
      code: 'address-unavailable',
      hint: expect.stringContaining('another program'),
      data: { address: `127.0.0.1:${other.port}` },
    });
    expect(clock.pendingMs).toEqual([]);
    await other.release();
  });

  test('an address that the machine does not have', async () => {
    const { server } = create({ address: { host: '192.0.2.7' as IpAddress, port: 0 } });
    await expect(server.start()).rejects.toMatchObject({
      code: 'address-unavailable',
      hint: expect.stringContaining('that this machine has'),
    });
  });
});

describe('closing', () => {
  test('frees the port at once, with idle connections open', async () => {
    const { server, port } = await start();
    const idle = connect({ host: LOOPBACK, port });
    await new Promise((resolve) => idle.once('connect', resolve));
    idle.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => idle.once('data', resolve));
    const ended = new Promise((resolve) => idle.once('close', resolve));
    await server.close();
    await ended;
    const other = await occupyPort(LOOPBACK, port);
    expect(other.port).toBe(port);
    await other.release();
  });

  test('lets requests under way finish', async () => {
    let finish: (() => void) | undefined;
    const handler: HttpHandler = async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return textReply(200, 'finished');
    };
    const { server, port } = await start({ handler });
    const answer = ask({ port });
    await vi.waitFor(() => expect(finish).toBeDefined());
    const closed = server.close();
    finish?.();
    expect((await answer).body).toBe('finished');
    await closed;
  });

  test('but for a second only', async () => {
    let asked = false;
    const handler: HttpHandler = () => {
      asked = true;
      return new Promise(() => {});
    };
    const { server, port, clock } = await start({ handler });
    const failure = ask({ port }).then(
      () => 'answered',
      (error: Error) => error.message,
    );
    await vi.waitFor(() => expect(asked).toBe(true));
    const closed = server.close();
    await clock.advance(1000);
    await closed;
    expect(await failure).toMatch(/hang up|ECONNRESET/);
  });

  test('before it ever listened ends the attempts', async () => {
    const other = await occupyPort(LOOPBACK);
    const { server, clock } = create({ address: { host: LOOPBACK, port: other.port }, whenUnavailable: 'retry' });
    await server.start();
    await server.close();
    expect(clock.pendingMs).toEqual([]);
    await other.release();
  });

  test('while it begins to listen leaves nothing open', async () => {
    const port = await freePort();
    const { server } = create({ address: { host: LOOPBACK, port } });
    const started = server.start();
    await server.close();
    await started;
    await (await occupyPort(LOOPBACK, port)).release();
    expect(server.address).toBeUndefined();
  });
});
