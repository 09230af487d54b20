import { readFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { equalData } from '../../base/equal.ts';
import type { Host } from './endpoint.ts';
import { readNameservers } from './resolv-conf.ts';

export interface ResolvConfWatcherOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Called with the first content, and with every list that differs from the one before; never with an empty one. */
  readonly onChange: (nameservers: readonly Host[]) => void;
  readonly read?: (path: string) => string | undefined;
}

const POLL_MS = 5000;

/**
 * Follows the name servers of a node by looking every five seconds: the file is often a link into a folder that comes and
 * goes, and two small files cost less than being told. A file that is gone or empty is one that is being written.
 */
export class ResolvConfWatcher {
  readonly #options: ResolvConfWatcherOptions;
  #known: readonly Host[] = [];
  #cancel: () => void = () => {};

  /** Looks at once. */
  constructor(options: ResolvConfWatcherOptions) {
    this.#options = options;
    this.#look();
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { path, clock, onChange, read = readIfThere } = this.#options;
    this.#cancel = clock.after(POLL_MS, () => this.#look());
    const found = readNameservers(path, read) ?? [];
    if (found.length === 0 || equalData(found, this.#known)) return;
    this.#known = found;
    onChange(found);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
