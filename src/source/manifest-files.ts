import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { orUnreadable, readText } from './read-file.ts';

/** The path that stands for standard input. */
export const STDIN_PATH = '-';

const MANIFEST_NAME = /\.(?:ya?ml|json)$/;

/** The files that some paths stand for, and where to look for changes of that list or of their content. */
export interface FoundFiles {
  /** Sorted within each path, each once. A path that was given as `-` is in it as `-`. */
  readonly files: readonly string[];
  /** Folder → names in it that matter; `undefined` when all do. */
  readonly watched: ReadonlyMap<string, ReadonlySet<string> | undefined>;
}

/**
 * Folders are searched for *.yaml, *.yml and *.json, all the way down. Names with a leading dot are left out, among them
 * those that Kubernetes hides the real files of a mounted ConfigMap in; the links to them are followed.
 *
 * @throws {SluiceError} `file-unreadable` for a path that does not exist or may not be read.
 */
export async function findFiles(paths: readonly string[]): Promise<FoundFiles> {
  const files = new Set<string>();
  const watched = new Map<string, Set<string> | undefined>();
  const visited = new Set<string>();
  const walk = async (folder: string): Promise<void> => {
    const real = await realpath(folder);
    if (visited.has(real)) return; // A link back up, or the same folder given twice.
    visited.add(real);
    watched.set(folder, undefined);
    for (const name of (await readdir(folder)).toSorted()) {
      const path = join(folder, name);
      const found = name.startsWith('.') ? undefined : await statIfThere(path);
      if (found?.isDirectory() === true) await walk(path);
      else if (found?.isFile() === true && MANIFEST_NAME.test(name)) files.add(path);
    }
  };
  for (const path of paths) {
    if (path === STDIN_PATH) files.add(path);
    else if ((await orUnreadable(path, stat(path))).isDirectory()) await orUnreadable(path, walk(path));
    else files.add(path);
  }
  for (const file of files) await watchFile(file, watched);
  return { files: [...files], watched };
}

/** Editors and ConfigMap updates replace files, so it is the folder that has to be watched, and that of the link's end. */
async function watchFile(file: string, watched: Map<string, Set<string> | undefined>): Promise<void> {
  if (file === STDIN_PATH) return;
  for (const path of new Set([file, await realpath(file)])) {
    const folder = dirname(path);
    const names = watched.has(folder) ? watched.get(folder) : new Set<string>();
    watched.set(folder, names?.add(basename(path)));
  }
}

async function statIfThere(path: string) {
  try {
    return await stat(path);
  } catch {
    return undefined; // Removed since the folder was listed, or a dangling link.
  }
}

/** @throws {SluiceError} `file-unreadable`. */
export async function readManifest(path: string, stdin: AsyncIterable<Buffer | string>): Promise<string> {
  if (path !== STDIN_PATH) return readText(path);
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
