import type { Clock } from '../base/clock.ts';
import type { IpFamily } from '../model/address.ts';
import type { OwnProcesses } from './own-processes.ts';
import type { OnForeignWrite, RuleWatch } from './rule-events.ts';

/** kube-proxy looks for its canary chains as often. */
export const OUTLINE_PERIOD_MS = 30_000;

export interface OutlineOptions {
  readonly families: readonly IpFamily[];
  readonly own: OwnProcesses;
  readonly clock: Clock;
  readonly onForeignWrite: OnForeignWrite;
}

export interface OutlineWatchOptions extends OutlineOptions {
  /** What shows most changes and costs little. Empty, or failing, where it cannot be had; then every look is a suspicion. */
  readonly outline: (family: IpFamily) => Promise<string>;
}

/**
 * Watches something that notifies nobody: every half minute its outline is compared with the one before. After changes of our
 * own it says nothing about others, so they count as a suspicion too.
 */
export function watchOutlines(options: OutlineWatchOptions): RuleWatch {
  const watch = new OutlineWatch(options);
  watch.start();
  return watch;
}

class OutlineWatch implements RuleWatch {
  readonly #options: OutlineWatchOptions;
  readonly #known = new Map<IpFamily, string>();
  #ownWrites: number;
  #cancel: (() => void) | undefined;
  #look: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: OutlineWatchOptions) {
    this.#options = options;
    this.#ownWrites = options.own.started;
  }

  start(): void {
    this.#look = this.#compare();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel?.();
    await this.#look;
  }

  async #compare(): Promise<void> {
    const { families, own, clock, onForeignWrite } = this.#options;
    const written = own.started !== this.#ownWrites;
    this.#ownWrites = own.started;
    for (const family of families) {
      const outline = await this.#options.outline(family).catch(() => '');
      const known = this.#known.get(family);
      this.#known.set(family, outline);
      if (this.#stopped) return;
      if (known !== undefined && (written || outline !== known || outline === '')) onForeignWrite(family, 'somebody');
    }
    this.#cancel = clock.after(OUTLINE_PERIOD_MS, () => this.start());
  }
}
