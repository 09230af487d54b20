import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';

/** What the server can be told; its objects are those of a synthetic cluster and those that are put. */
export type ApiOrder =
  | { readonly do: 'put' | 'remove'; readonly objects: readonly UntypedObject[] }
  | { readonly do: 'load'; readonly services: number; readonly endpointsPerService: number }
  | {
      readonly do: 'churn';
      readonly services: number;
      readonly endpointsPerService: number;
      readonly perSecond: number;
      readonly durationMs: number;
    };

export interface ApiAnswer {
  readonly id: number;
  /** When everything was stored and told to the watches, by `process.hrtime`. */
  readonly doneNs: string;
  readonly url?: string;
}

/** An API server in a process of its own. */
export class ApiProcess {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (doneMs: number) => void>();
  #lastId = 0;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
    child.on('message', ({ id, doneNs }: ApiAnswer) => {
      this.#waiting.get(id)?.(Number(BigInt(doneNs)) / 1e6);
      this.#waiting.delete(id);
    });
  }

  static start(): Promise<ApiProcess> {
    const child = fork(fileURLToPath(new URL('api-server.ts', import.meta.url)));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('message', ({ url = '' }: ApiAnswer) => resolve(new ApiProcess(child, url)));
    });
  }

  /** @returns when the order was carried out, milliseconds of the machine's clock (see {@link nowMs}). */
  tell(order: ApiOrder): Promise<number> {
    const id = ++this.#lastId;
    this.#child.send({ ...order, id });
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  stop(): void {
    this.#child.disconnect();
  }
}

/** The machine's clock, the same in all processes. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
