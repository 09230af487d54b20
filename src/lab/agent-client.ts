import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { LineProcess } from '../kernel/process.ts';
import { startLineProcess } from '../kernel/process.ts';
import type { AgentMethods, Method, Reply, Request } from './protocol.ts';

interface Pending {
  resolve(result: never): void;
  reject(fault: SluiceError): void;
}

/** The lab's end of the line to one agent. */
export class AgentClient {
  readonly #name: string;
  readonly #process: LineProcess;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #stopping = false;

  private constructor(name: string, process: LineProcess) {
    this.#name = name;
    this.#process = process;
    void process.ended.then(() => this.#failAll());
  }

  /**
   * Starts an agent; `command` is the program and its arguments. It is usable at once: requests wait in the pipe.
   *
   * @throws {SluiceError} `command-missing`, `command-failed`.
   */
  static async start(name: string, command: readonly [string, ...string[]]): Promise<AgentClient> {
    const [file, ...args] = command;
    const receiver: { client?: AgentClient } = {};
    const onLine = (line: string): void => {
      // An agent says nothing before it was asked.
      if (receiver.client !== undefined) receiver.client.#receive(line);
    };
    receiver.client = new AgentClient(name, await startLineProcess({ file, args, onLine }));
    return receiver.client;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Sends one request and waits for its reply.
   *
   * @throws {SluiceError} `lab-failed` when the agent reports a fault (its errno in `data`), has ended, or is silent
   *   for `timeoutMs`.
   */
  call<M extends Method>(
    method: M,
    params: AgentMethods[M]['params'],
    timeoutMs: number,
  ): Promise<AgentMethods[M]['result']> & { readonly id: number } {
    this.#lastId += 1;
    const id = this.#lastId;
    const reply = new Promise<AgentMethods[M]['result']>((resolve, reject) => {
      const timer = setTimeout(() => settle.reject(this.#fault(method, `no answer for ${timeoutMs} ms`)), timeoutMs);
      const settle: Pending = {
        resolve: (result) => {
          clearTimeout(timer);
          this.#pending.delete(id);
          resolve(result);
        },
        reject: (fault) => {
          clearTimeout(timer);
          this.#pending.delete(id);
          reject(fault);
        },
      };
      this.#pending.set(id, settle);
      const request: Request<M> = { id, method, params };
      this.#process.writeLine(JSON.stringify(request)).catch((thrown: unknown) => {
        settle.reject(this.#fault(method, toSluiceError(thrown).message));
      });
    });
    return Object.assign(reply, { id });
  }

  /** Ends the agent; whatever it was doing fails. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#process.stop();
  }

  #receive(line: string): void {
    const reply = JSON.parse(line) as Reply;
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    if ('error' in reply) pending.reject(this.#fault('agent', reply.error.message, reply.error));
    else pending.resolve(reply.result as never);
  }

  #failAll(): void {
    for (const pending of this.#pending.values()) {
      pending.reject(this.#fault('agent', this.#stopping ? 'the lab was closed' : 'it ended unexpectedly'));
    }
  }

  #fault(method: string, what: string, data: Readonly<Record<string, unknown>> = {}): SluiceError {
    const stderr = this.#process.stderrTail();
    const lastWords = stderr.split('\n').findLast((line) => line !== '');
    return new SluiceError({
      code: 'lab-failed',
      message: `lab agent in ${this.#name}: ${method}: ${what}${lastWords === undefined ? '' : ` (${lastWords})`}`,
      data: { ...data, origin: this.#name, stderr },
    });
  }
}
