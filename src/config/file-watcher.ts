import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { digestOf } from './load.ts';

export interface ConfigFileWatcherOptions {
  readonly path: string;
  /** Of the content that is known already, see `Config.configFile`. */
  readonly digest: string;
  /** Called once for every content that differs from the one before. */
  readonly onChange: () => void;
  /** How long a file has to rest before it is read. */
  readonly settleMs?: number;
  /** How often to look where the kernel says nothing (links elsewhere, no inotify watches left). */
  readonly pollMs?: number;
}

const DEFAULT_SETTLE_MS = 250;
const DEFAULT_POLL_MS = 10_000;

/**
 * Notices that a configuration file has other content: edits, editors that replace files, and ConfigMap updates, which
 * swap a link next to the file and which kube-proxy misses. A file that is gone or empty is one that is being written.
 * Does not keep the process alive.
 */
export class ConfigFileWatcher {
  readonly #options: ConfigFileWatcherOptions;
  readonly #watches = new Map<string, FSWatcher>();
  readonly #poll: NodeJS.Timeout;
  #digest: string;
  /** Another content than the known one, seen once: it may not be complete yet. */
  #candidate: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** Starts watching; a change since the digest was taken is noticed too. */
  constructor(options: ConfigFileWatcherOptions) {
    this.#options = options;
    this.#digest = options.digest;
    this.#poll = setInterval(() => void this.#check(), options.pollMs ?? DEFAULT_POLL_MS).unref();
    void this.#check();
  }

  /** `onChange` is not called after this. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const watcher of this.#watches.values()) watcher.close();
  }

  /** The folder of the file, and the one that its content really is in. */
  async #follow(): Promise<void> {
    const { path } = this.#options;
    const target = await realpath(path).catch(() => path);
    if (this.#stopped) return;
    const folders = new Set([dirname(resolve(path)), dirname(resolve(target))]);
    for (const folder of this.#watches.keys()) if (!folders.has(folder)) this.#unwatch(folder);
    for (const folder of folders) if (!this.#watches.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#touched());
      watcher.on('error', () => this.#unwatch(folder));
      this.#watches.set(folder, watcher);
    } catch {
      // The kernel cannot tell: the regular look is what remains.
    }
  }

  #unwatch(folder: string): void {
    this.#watches.get(folder)?.close();
    this.#watches.delete(folder);
  }

  #touched(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#check(), this.#options.settleMs ?? DEFAULT_SETTLE_MS).unref();
  }

  async #check(): Promise<void> {
    await this.#follow();
    const text = await readFile(this.#options.path, 'utf8').catch(() => '');
    if (this.#stopped || text.trim() === '') return;
    const digest = digestOf(text);
    const settled = digest === this.#candidate;
    this.#candidate = digest;
    if (digest === this.#digest) return;
    if (!settled) return this.#touched();
    this.#digest = digest;
    this.#options.onChange();
  }
}
