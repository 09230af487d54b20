/**
 * What the engine of a node agent is told; the bundle's first line says it. With a young generation of at most 2 MB a first load
 * took 10 % longer and one change in thirty met a collection; with 16 MB it is no faster, and Node's own limit, which is twice that,
 * makes the heap a third larger.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8'];

/** One malloc arena for all threads: each has its own otherwise, and keeps what it needed once. */
export const NODE_ENVIRONMENT: readonly string[] = ['MALLOC_ARENA_MAX=1'];

/** For a shell: this Node running `program`, a file, as its first line would have it. */
export function launchCommand(program: string): string {
  const node = [process.execPath, ...NODE_FLAGS, program].map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  return ['env', ...NODE_ENVIRONMENT, ...node].join(' ');
}
