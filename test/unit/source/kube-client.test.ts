import { chmod } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { KubeClient, KubeClientOptions } from '../../../src/source/kube-client.ts';
import { createKubeClient } from '../../../src/source/kube-client.ts';
import { refusalOf } from '../../../src/source/kube-request.ts';
import { toSluiceError } from '../../../src/base/errors.ts';
import { KubeLab } from '../../support/kube-lab.ts';

let lab: KubeLab;
let client: KubeClient | undefined;
let requests: unknown[] = [];
let answered: unknown[] = [];
let retries: unknown[] = [];
let waitedMs: number[] = [];
beforeEach(async () => {
  lab = await KubeLab.start('a fake API server');
  [requests, answered, retries, waitedMs] = [[], [], [], []];
});
afterEach(async () => {
  client?.close();
  await lab.stop();
});

const observer = {
  recordRequest: (record: Readonly<Record<string, unknown>>) => {
    const { durationMs, ...others } = record;
    requests.push(others);
    expect(durationMs).toBeGreaterThan(0);
  },
  recordResponse: (record: unknown) => void answered.push(record),
  recordRetry: (record: unknown) => void retries.push(record),
  recordWait: ({ durationMs }: { durationMs: number }) => void waitedMs.push(durationMs),
};

async function connect(options: Partial<KubeClientOptions> = {}): Promise<KubeClient> {
  client = await createKubeClient({ master: lab.server.url, clock: systemClock, log: silentLog, observer, ...options });
  return client;
}

const LIST = { path: '/api/v1/services' };
const host = () => new URL(lab.server.url).host;

describe('answers', () => {
  it('are streams', async () => {
    const answer = await (await connect()).open(LIST);
    const chunks: Buffer[] = [];
    for await (const chunk of answer.chunks) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    expect(JSON.parse(body.toString())).toMatchObject({ kind: 'ServiceList' });
    expect(requests).toEqual([{ method: 'GET', host: host(), status: 200 }]);
    expect(answered).toEqual([{ method: 'GET', host: host(), responseBytes: body.length }]);
  });

  it('with an error say what the server said', async () => {
    const { open } = await connect().then((made) => ({ open: made.open.bind(made) }));
    lab.server.faults.refusals = {
      status: 429,
      reason: 'TooManyRequests',
      message: 'later',
      retryAfterSeconds: 3,
      times: 1,
    };
    const error = toSluiceError(await open(LIST).catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'api-refused', message: 'GET /api/v1/services: 429 later' });
    expect(refusalOf(error)).toEqual({ status: 429, reason: 'TooManyRequests', retryAfterMs: 3000 });
    expect(requests).toEqual([{ method: 'GET', host: host(), status: 429 }]);
  });

  it('that do not come are not waited for for ever', async () => {
    lab.server.faults.mute = true;
    const made = await connect({ headTimeoutMs: 50 });
    await expect(made.open(LIST)).rejects.toMatchObject({
      code: 'api-unreachable',
      message: `GET ${lab.server.url}/api/v1/services: no answer within 0.05 s`,
    });
    expect(requests).toEqual([{ method: 'GET', host: host() }]);
  });

  it('that break off are an error', async () => {
    lab.server.faults.cutLists = { times: 1, how: 'broken' };
    const answer = await (await connect()).open(LIST);
    const read = async () => {
      for await (const _ of answer.chunks);
    };
    await expect(read()).rejects.toMatchObject({ code: 'api-unreachable' });
  });
});

it('a kept connection that the server closed meanwhile costs nothing', async () => {
  const made = await connect();
  await made.send(LIST);
  await lab.server.restart();
  await made.send(LIST);
  expect(requests.at(-1)).toMatchObject({ status: 200 });
});

it('requests wait for their turn, except for further pages', async () => {
  const made = await connect({ qps: 50, burst: 2 });
  for (let i = 0; i < 4; i++) await made.send(LIST);
  await made.send({ ...LIST, continues: true });
  expect(waitedMs).toHaveLength(4);
  expect(waitedMs.slice(0, 2)).toEqual([0, 0]);
  expect(waitedMs[3]).toBeGreaterThan(0);
});

it('a token that was refused is read again at once', async () => {
  lab.server.tokens = new Set(['first']);
  await lab.write('token', 'first');
  const made = await connect(await lab.kubeconfig({ tokenFile: 'token' }));
  await made.send(LIST);
  await lab.write('token', 'second');
  lab.server.tokens = new Set(['second']);
  await made.send(LIST);
  expect(retries).toEqual([{ method: 'GET', host: host(), status: 401 }]);
});

it('a kubeconfig that cannot be read any more leaves the credentials in force', async () => {
  lab.server.tokens = new Set(['first']);
  await lab.write('token', 'first');
  const made = await connect(await lab.kubeconfig({ tokenFile: 'token' }));
  await lab.write('kubeconfig', 'a: [');
  await lab.server.stop();
  await expect(made.send(LIST)).rejects.toMatchObject({ code: 'api-unreachable' });
  await lab.server.start();
  await made.send(LIST);
  expect(requests.at(-1)).toMatchObject({ status: 200 });
});

it('a plugin is asked for a token, and again when that is refused', async () => {
  lab.server.tokens = new Set(['first']);
  await lab.write('token', 'first');
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: `${lab.folder}/plugin` };
  // Without it the library refuses to send what a plugin says over plain HTTP.
  const options = await lab.kubeconfig({ exec }, { 'insecure-skip-tls-verify': true });
  const script = `#!/bin/sh
case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) ;; *) exit 1 ;; esac
echo asked >> ${lab.folder}/asked
printf '{"status":{"token":"%s"}}' "$(cat ${lab.folder}/token)"
`;
  await lab.write('plugin', script);
  await chmod(`${lab.folder}/plugin`, 0o755);
  const made = await connect(options);
  await made.send(LIST);
  await made.send(LIST);
  await lab.write('token', 'second');
  lab.server.tokens = new Set(['second']);
  await made.send(LIST);
  expect(await lab.read('asked')).toBe('asked\nasked\n');
});

it('a plugin that fails is a bad configuration', async () => {
  const options = await lab.kubeconfig({ exec: { command: '/bin/false' } });
  await expect(connect(options)).rejects.toMatchObject({ code: 'bad-config' });
});

it('a request that is given up ends', async () => {
  lab.server.faults.mute = true;
  const stop = new AbortController();
  const request = (await connect()).open({ ...LIST, signal: stop.signal });
  await Promise.all([
    expect(request).rejects.toMatchObject({ code: 'api-unreachable' }),
    setTimeout(20).then(() => stop.abort()),
  ]);
});
