import { fileURLToPath } from 'node:url';
import { LineDialog } from '../../src/lab/line-dialog.ts';

export interface DnsQuestion {
  readonly protocol: 'udp' | 'tcp';
  readonly address: string;
  readonly name: string;
  /** Default A. */
  readonly type?: string;
  /** Default 500. */
  readonly timeoutMs?: number;
}

/** The same question again and again, whether or not the one before was answered. */
export interface DnsSeries extends DnsQuestion {
  readonly everyMs: number;
  readonly durationMs: number;
}

export interface DnsAnswer {
  /** The addresses or names, sorted; `rcode 3`; `timeout`; or how it failed. */
  readonly answer: string;
  readonly ms: number;
  /** When it was there, milliseconds since 1970. */
  readonly dateMs: number;
}

const MAIN = fileURLToPath(new URL('./dns-asker-main.ts', import.meta.url));

/** A client of DNS in a network namespace of the lab, each query from a new port. */
export class DnsAsker {
  readonly #dialog: LineDialog;

  private constructor(dialog: LineDialog) {
    this.#dialog = dialog;
  }

  /** @param netns absent: this one. */
  static async start(netns?: string): Promise<DnsAsker> {
    const line = [process.execPath, MAIN] as const;
    const placed = netns === undefined ? line : (['ip', 'netns', 'exec', netns, ...line] as const);
    return new DnsAsker(await LineDialog.start(`DNS client in ${netns ?? 'this namespace'}`, placed));
  }

  async ask(question: DnsQuestion): Promise<string> {
    return (JSON.parse(await this.#dialog.ask(JSON.stringify(question), 20_000)) as DnsAnswer).answer;
  }

  async series(series: DnsSeries): Promise<readonly DnsAnswer[]> {
    const line = await this.#dialog.ask(JSON.stringify(series), series.durationMs + 20_000);
    return JSON.parse(line) as readonly DnsAnswer[];
  }

  stop(): Promise<void> {
    return this.#dialog.stop();
  }
}
