import type { SluiceError } from '../../src/base/errors.ts';
import type { KubeAnswer, KubeRequest } from '../../src/source/kube-request.ts';
import { settle } from './fake-clock.ts';

/** A request that a test answers by hand. */
export interface ScriptedCall {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Begins the answer; further text is sent with {@link say}. */
  accept(...lines: readonly unknown[]): Promise<void>;
  refuse(error: SluiceError): Promise<void>;
  /** Sends lines: text as it is, anything else as JSON. All of one call come in one chunk. */
  say(...lines: readonly unknown[]): Promise<void>;
  end(): Promise<void>;
  /** Has the client let go of it? */
  readonly isClosed: boolean;
}

/** The client of a reflector, answered line by line. */
export class ScriptedApi {
  readonly calls: ScriptedCall[] = [];

  /** The call that was made last. */
  get call(): ScriptedCall {
    const last = this.calls.at(-1);
    if (last === undefined) throw new Error('nobody asked for anything');
    return last;
  }

  readonly open = ({ path, signal }: KubeRequest): Promise<KubeAnswer> =>
    new Promise((resolve, reject) => {
      const stream = new TestStream();
      const url = new URL(path, 'http://scripted');
      signal?.addEventListener('abort', () => {
        reject(new Error('aborted'));
        stream.finish(new Error('aborted'));
      });
      const say = async (...lines: readonly unknown[]): Promise<void> => {
        stream.push(lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
        await settle();
      };
      this.calls.push({
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        async accept(...lines) {
          resolve({ chunks: stream, close: (reason) => stream.close(reason) });
          await settle();
          if (lines.length > 0) await say(...lines);
        },
        async refuse(error) {
          reject(error);
          await settle();
        },
        say,
        async end() {
          stream.finish();
          await settle();
        },
        get isClosed() {
          return stream.isClosed;
        },
      });
    });
}

class TestStream implements AsyncIterable<Buffer> {
  readonly #chunks: Buffer[] = [];
  #wake: () => void = () => {};
  #end: { readonly error: Error | undefined } | undefined;
  isClosed = false;

  push(text: string): void {
    this.#chunks.push(Buffer.from(text));
    this.#wake();
  }

  finish(error?: Error): void {
    this.#end ??= { error };
    this.#wake();
  }

  close(reason?: Error): void {
    this.isClosed = true;
    this.finish(reason);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#end?.error !== undefined) throw this.#end.error;
      else if (this.#end !== undefined) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
