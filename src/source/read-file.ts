import { readFile } from 'node:fs/promises';
import { SluiceError } from '../base/errors.ts';

/** @throws {SluiceError} `file-unreadable`. */
export function readText(path: string): Promise<string> {
  return orUnreadable(path, readFile(path, 'utf8'));
}

/** What was asked of the file system about the path. @throws {SluiceError} `file-unreadable`. */
export async function orUnreadable<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/^[A-Z]+: /, '') : String(cause);
    throw new SluiceError({
      code: 'file-unreadable',
      message: `cannot read ${path}: ${reason}`,
      cause,
      data: { path },
    });
  }
}
