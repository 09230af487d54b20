import { fileURLToPath } from 'node:url';

/** What the program can be besides its commands, in processes of their own: the lab's agent, the benchmark's API server. */
export type HiddenPart = 'lab-agent' | 'bench-api' | 'bench-case';

/**
 * The command that starts a part. The bundle has no files beside it and starts itself; from the sources a part is a program of
 * its own, which starts faster.
 */
export function commandOf(part: HiddenPart, source: URL): [string, ...string[]] {
  const here = fileURLToPath(import.meta.url);
  return here.endsWith('.ts') ? [process.execPath, fileURLToPath(source)] : [process.execPath, here, part];
}
