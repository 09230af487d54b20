import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SluiceError } from '../../base/errors.ts';
import type { LineProcess } from '../../kernel/process.ts';
import { startLineProcess } from '../../kernel/process.ts';
import type { ApiUpstream, UntypedObject } from './api-upstream.ts';
import { collectionPath, objectPath } from './api-upstream.ts';
import { createAuthority } from './certificates.ts';

const START_MS = 60_000;

/** Nothing of what they hold is wanted. */
const STOP_GRACE_MS = 10;

/** etcd and kube-apiserver out of a folder (`KUBEBUILDER_ASSETS`, as with envtest), on loopback ports, in a folder of their own. */
export class RealApiCluster implements ApiUpstream {
  readonly #processes: LineProcess[] = [];
  readonly #agent: Agent;
  readonly #port: number;
  readonly #folder: string;
  #failure: SluiceError | undefined;

  constructor({ agent, port, folder }: { agent: Agent; port: number; folder: string }) {
    this.#agent = agent;
    this.#port = port;
    this.#folder = folder;
  }

  static async start(assets: string): Promise<RealApiCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-api-'));
    const file = (name: string) => join(folder, name);
    const authority = createAuthority();
    const [server, admin] = [authority.issue('kube-apiserver'), authority.issue('admin', 'system:masters')];
    await writeFile(file('ca.crt'), authority.ca);
    await writeFile(file('server.crt'), server.cert);
    await writeFile(file('server.key'), server.key, { mode: 0o600 });
    const [etcdPort, port] = [await freePort(), await freePort()];
    const agent = new Agent({ keepAlive: true, ca: authority.ca, cert: admin.cert, key: admin.key });
    const cluster = new RealApiCluster({ agent, port, folder });
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    await cluster.#run(join(assets, 'etcd'), [
      `--data-dir=${file('etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      '--listen-peer-urls=http://127.0.0.1:0',
      '--unsafe-no-fsync=true',
    ]);
    await cluster.#run(join(assets, 'kube-apiserver'), [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${port}`,
      `--tls-cert-file=${file('server.crt')}`,
      `--tls-private-key-file=${file('server.key')}`,
      `--client-ca-file=${file('ca.crt')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${file('server.crt')}`,
      `--service-account-signing-key-file=${file('server.key')}`,
      '--authorization-mode=RBAC',
      '--disable-admission-plugins=ServiceAccount',
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.96.0.0/12',
    ]);
    await cluster.#whenReady().catch(async (thrown: unknown) => {
      await cluster.stop();
      throw thrown;
    });
    return cluster;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    // The API server first: it would complain for long about an etcd that is gone.
    for (const process of this.#processes.toReversed()) await process.stop(STOP_GRACE_MS);
    await rm(this.#folder, { recursive: true });
  }

  async put(object: UntypedObject): Promise<void> {
    const type = 'application/apply-patch+yaml';
    const path = `${objectPath(object)}?fieldManager=sluice-lab&force=true`;
    await this.#ask({ method: 'PATCH', path, type, body: JSON.stringify(object) });
  }

  async remove(object: UntypedObject): Promise<void> {
    await this.#ask({ method: 'DELETE', path: objectPath(object), accepts: [200, 202, 404] });
  }

  async list(kind: string, query = ''): Promise<readonly UntypedObject[]> {
    const text = await this.#ask({ method: 'GET', path: `${collectionPath(kind)}?${query}` });
    return (JSON.parse(text) as { items: readonly UntypedObject[] }).items;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '', headers } = request;
    const { authorization: _, host: __, ...rest } = headers;
    const options = { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path: url, headers: rest };
    const forwarded = httpsRequest(options, (answer) => {
      // A fault may have ended the exchange while the server was thinking.
      if (response.headersSent || response.destroyed) {
        forwarded.destroy();
        return;
      }
      const { 'content-length': ___, ...kept } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, kept);
      response.flushHeaders();
      answer.on('data', (chunk: Buffer) => response.write(chunk));
      answer.on('end', () => response.end());
      answer.on('error', () => response.destroy());
    });
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    const process = await startLineProcess({ file: program, args, onLine: () => undefined });
    this.#processes.push(process);
    void process.ended.then(({ exitCode, signal }) => {
      this.#failure ??= new SluiceError({
        code: 'lab-failed',
        message: `${program} ended (${signal ?? exitCode}): ${process.stderrTail().split('\n').at(-1) ?? ''}`,
        hint: `run it by hand with these arguments: ${args.join(' ')}`,
      });
    });
  }

  async #whenReady(): Promise<void> {
    const endMs = performance.now() + START_MS;
    for (;;) {
      try {
        await this.#ask({ method: 'GET', path: '/readyz' });
        await this.#ask({ method: 'GET', path: '/api/v1/namespaces/default' });
        return;
      } catch (thrown) {
        if (this.#failure !== undefined) throw this.#failure;
        if (performance.now() > endMs) throw thrown;
        await setTimeout(200);
      }
    }
  }

  #ask({ method, path, type, body, accepts = [200, 201] }: Question): Promise<string> {
    return new Promise((resolve, reject) => {
      const headers = type === undefined ? {} : { 'Content-Type': type };
      const options = { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path, headers };
      const call = httpsRequest(options, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          if (accepts.includes(answer.statusCode ?? 0)) resolve(text);
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
        });
      });
      call.on('error', reject);
      call.end(body);
    });
  }
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly type?: string;
  readonly body?: string;
  readonly accepts?: readonly number[];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}
