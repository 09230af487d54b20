import type { FileHandle } from 'node:fs/promises';
import { open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a folder: what is written there is read once, and gone. */
const FOLDERS = ['/dev/shm', tmpdir()];

let made = 0;

/**
 * An empty file without a name, for a program that writes a lot in small pieces: into a pipe each piece would wake us.
 *
 * @returns nothing where no folder can be written to.
 */
export async function openOutputFile(): Promise<FileHandle | undefined> {
  for (const folder of FOLDERS) {
    const path = join(folder, `sluice-${process.pid}-${made++}`);
    try {
      const file = await open(path, 'wx+', 0o600);
      await unlink(path);
      return file;
    } catch {
      // The next one may do.
    }
  }
  return undefined;
}

/** Everything in the file. Its own position is left alone: it is where the program stopped that writes to it. */
export async function readOutputFile(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; ) {
    const { bytesRead } = await file.read(bytes, at, Math.min(CHUNK_BYTES, size - at), at);
    if (bytesRead === 0) return bytes.toString('utf8', 0, at);
    at += bytesRead;
  }
  return bytes.toString();
}

const CHUNK_BYTES = 1 << 20;
