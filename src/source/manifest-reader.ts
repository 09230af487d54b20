import { SluiceError } from '../base/errors.ts';
import { labelOf } from '../model/object.ts';
import type { Problem } from '../model/problem.ts';
import type { FoundFiles } from './manifest-files.ts';
import { findFiles, readManifest, STDIN_PATH } from './manifest-files.ts';
import type { DocumentCache, ManifestObject } from './manifests.ts';
import { parseManifest } from './manifests.ts';

/** Everything that some files hold. */
export interface Manifests {
  /** By kind and name. */
  readonly objects: ReadonlyMap<string, ManifestObject>;
  /** Objects that are there twice. */
  readonly problems: readonly Problem[];
  /** Files that could not be read this time; what they held the time before is still in `objects`. */
  readonly failures: readonly SluiceError[];
  /** Files that became empty, which is also how rewriting one begins. */
  readonly emptied: readonly string[];
  readonly found: FoundFiles;
}

export interface ReadOptions {
  /** Instead of throwing, go on with what a bad file held the time before. Default false. */
  readonly tolerant?: boolean;
  /** Go on with what an emptied file held the time before. Default false. */
  readonly keepEmptied?: boolean;
}

interface KnownFile {
  readonly text: string;
  readonly objects: readonly ManifestObject[];
  readonly cache: DocumentCache;
}

/** Reads manifests, and reads them again at the cost of what changed. */
export class ManifestReader {
  readonly #paths: readonly string[];
  readonly #stdin: AsyncIterable<Buffer | string>;
  #known: ReadonlyMap<string, KnownFile> = new Map();

  /** @param paths files, folders, and `-` for standard input, which is read only once. */
  constructor(paths: readonly string[], stdin: AsyncIterable<Buffer | string> = process.stdin) {
    this.#paths = paths;
    this.#stdin = stdin;
  }

  /**
   * All objects of all files as they are now; of an object that is there twice the last.
   *
   * @throws {SluiceError} `file-unreadable`, `bad-yaml`; if tolerant, the former for paths given by name only.
   */
  async read(options: ReadOptions = {}): Promise<Manifests> {
    const found = await findFiles(this.#paths);
    const files = new Map<string, KnownFile>();
    const failures: SluiceError[] = [];
    const emptied: string[] = [];
    for (const file of found.files) {
      const before = this.#known.get(file);
      try {
        const now = await this.#readFile(file, before);
        const isEmptied = now.text.trim() === '' && before !== undefined && before.objects.length > 0;
        if (isEmptied) emptied.push(file);
        files.set(file, isEmptied && options.keepEmptied === true ? before : now);
      } catch (thrown) {
        if (options.tolerant !== true || !(thrown instanceof SluiceError)) throw thrown;
        failures.push(thrown);
        if (before !== undefined) files.set(file, before);
      }
    }
    this.#known = files;
    return { ...mergeFiles(files), failures, emptied, found };
  }

  async #readFile(file: string, before: KnownFile | undefined): Promise<KnownFile> {
    if (file === STDIN_PATH && before !== undefined) return before;
    const text = await readManifest(file, this.#stdin);
    if (before?.text === text) return before;
    return { text, ...parseManifest(text, file === STDIN_PATH ? 'stdin' : file, before?.cache) };
  }
}

function mergeFiles(files: ReadonlyMap<string, KnownFile>): Pick<Manifests, 'objects' | 'problems'> {
  const objects = new Map<string, ManifestObject>();
  const problems: Problem[] = [];
  for (const object of [...files.values()].flatMap((file) => file.objects)) {
    const key = `${object.kind} ${object.name}`;
    const other = objects.get(key);
    if (other !== undefined) {
      const message = `is defined again at ${object.origin}, which counts`;
      problems.push({ ...labelOf(other.json, other.kind, other.origin), path: '', effect: 'skipped', message });
    }
    objects.set(key, object);
  }
  return { objects, problems };
}
