import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRunner } from '../../src/kernel/command.ts';

/** What can happen to a program that writes rules from its standard input. */
export type ToolFault =
  | 'killed before'
  | 'killed midway'
  | 'killed after'
  | 'out of buffers'
  | 'out of memory'
  | 'hangs';

const WRITERS = [
  'nft',
  'iptables-nft-restore',
  'ip6tables-nft-restore',
  'iptables-legacy-restore',
  'ip6tables-legacy-restore',
];

/** The real program, but for the faults that are listed in the file beside it, one for each batch. */
function wrapper(program: string, folder: string): string {
  const complain = (text: string): string =>
    `cat > /dev/null; echo 'netlink: Error: Could not process rule: ${text}' >&2; exit 1`;
  return `#!/bin/sh
case "$*" in *-f\\ -*|*--noflush*) ;; *) exec ${program} "$@" ;; esac
fault=$(head -n 1 ${folder}/faults)
[ -z "$fault" ] || sed -i 1d ${folder}/faults
case "$fault" in
  'killed before') kill -9 $$ ;;
  'killed midway') head -c 1000 > /dev/null; kill -9 $$ ;;
  'killed after') ${program} "$@"; kill -9 $$ ;;
  'out of buffers') ${complain('No buffer space available')} ;;
  'out of memory') ${complain('Cannot allocate memory')} ;;
  'hangs') sleep 60 ;;
  *) exec ${program} "$@" ;;
esac
`;
}

/** A folder of tools, to be put in front of PATH, that fail as they are told. */
export class FaultyTools {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-tools-'));
  readonly env = { PATH: `${this.#folder}:${process.env['PATH']}` };

  /** @param faults of the next batches, one each. */
  static async create(faults: readonly ToolFault[] = []): Promise<FaultyTools> {
    const tools = new FaultyTools();
    for (const name of WRITERS) {
      const { stdout } = await systemRunner.run('sh', ['-c', `command -v ${name}`]);
      if (stdout !== '')
        writeFileSync(join(tools.#folder, name), wrapper(stdout.trim(), tools.#folder), { mode: 0o755 });
    }
    tools.plan(faults);
    return tools;
  }

  plan(faults: readonly ToolFault[]): void {
    writeFileSync(join(this.#folder, 'faults'), faults.map((fault) => `${fault}\n`).join(''));
  }

  /** Faults that did not happen yet. */
  get left(): readonly string[] {
    return readFileSync(join(this.#folder, 'faults'), 'utf8').split('\n').filter(Boolean);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
