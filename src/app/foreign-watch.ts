import type { Applier } from '../applier/applier.ts';
import type { Backend, WatchOptions } from '../backend/contract.ts';
import { toSluiceError } from '../base/errors.ts';
import type { RuleWatch } from '../kernel/rule-events.ts';

/** Has the applier look at the kernel when others write to our rules. */
export class ForeignWatch {
  readonly #backend: Backend;
  readonly #options: Omit<WatchOptions, 'onForeignWrite'>;
  #watch: RuleWatch | undefined;
  #stopped = false;

  constructor(backend: Backend, options: Omit<WatchOptions, 'onForeignWrite'>) {
    this.#backend = backend;
    this.#options = options;
  }

  /** Never throws. */
  async start(applier: Applier): Promise<void> {
    try {
      this.#watch = await this.#backend.watch({
        ...this.#options,
        onForeignWrite: (family, who) => applier.suspect(family, who),
      });
    } catch (thrown) {
      const { message } = toSluiceError(thrown);
      this.#options.log.warn(`changes of rules by others show at the next verification only: ${message}`);
    }
    if (this.#stopped) await this.#watch?.stop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watch?.stop();
  }
}
