import { SluiceError } from '../../base/errors.ts';
import { LineDialog } from '../../lab/line-dialog.ts';
import { commandOf } from '../../lab/self.ts';
import type { ApiAnswer, ApiOrder } from './api-orders.ts';

const COMMAND = commandOf('bench-api', new URL('./api-main.ts', import.meta.url));

/** For 50,000 Services at a real API server, and for a minute of changes. */
const ANSWER_MS = 900_000;

/** The benchmark's end of the line to its API server. */
export class ApiClient {
  readonly #dialog: LineDialog;
  readonly url: string;

  private constructor(dialog: LineDialog, url: string) {
    this.#dialog = dialog;
    this.url = url;
  }

  /** `assets`: the folder with etcd and kube-apiserver; without it the server is our own. */
  static async start(address: string, assets: string | undefined): Promise<ApiClient> {
    const dialog = await LineDialog.start('API server', COMMAND);
    try {
      const { url = '' } = await tell(dialog, { do: 'start', address, ...(assets === undefined ? {} : { assets }) });
      return new ApiClient(dialog, url);
    } catch (thrown) {
      await dialog.stop();
      throw thrown;
    }
  }

  /** @returns when the order was carried out, milliseconds of the machine's clock. @throws {SluiceError} `lab-failed`. */
  async tell(order: ApiOrder): Promise<number> {
    return (await tell(this.#dialog, order)).doneMs;
  }

  async stop(): Promise<void> {
    await this.#dialog.stop();
  }
}

async function tell(dialog: LineDialog, order: ApiOrder): Promise<{ readonly doneMs: number; readonly url?: string }> {
  const answer = JSON.parse(await dialog.ask(JSON.stringify(order), ANSWER_MS)) as ApiAnswer;
  if ('error' in answer) {
    throw new SluiceError({ code: 'lab-failed', message: `API server: cannot ${order.do}: ${answer.error}` });
  }
  return answer;
}
