import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { startTcpServer } from '../../../src/bench/tcp-server.ts';
import { freePort } from '../../support/http.ts';

const ADDRESS = '127.0.0.1';

describe('a server of a benchmark', () => {
  it('greets everybody, until it is stopped', async () => {
    const port = await freePort();
    const server = await startTcpServer({ name: 'endpoint', address: ADDRESS, port, greeting: 'hello' });
    const greet = () => text(connect({ host: ADDRESS, port }));
    expect(await Promise.all([greet(), greet(), greet()])).toEqual(['hello', 'hello', 'hello']);
    await server.stop();
    await expect(greet()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('may say nothing', async () => {
    const port = await freePort();
    const server = await startTcpServer({ name: 'endpoint', address: ADDRESS, port });
    expect(await text(connect({ host: ADDRESS, port }))).toBe('');
    await server.stop();
  });

  it('that cannot have its address says so', async () => {
    const port = await freePort();
    const refused = startTcpServer({ name: 'endpoint', address: '192.0.2.1', port });
    await expect(refused).rejects.toMatchObject({ code: 'lab-failed', message: expect.stringContaining('bind: ') });
  });
});
