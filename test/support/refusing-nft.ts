import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRunner } from '../../src/kernel/command.ts';

/** The element again with other data, or a jump to nowhere, which the kernel refuses. */
function spoiled(endpoint: string): string {
  const data = endpoint.replaceAll('.', String.raw`\.`);
  const other = endpoint.includes(':') ? '2001:db8::1' : '192.0.2.1';
  const jump = String.raw`s/dnat to \[*${data}]*:[0-9]*/jump nowhere/g`;
  return String.raw`${jump};s/\([0-9a-f.:]* \. [0-9]* \. [0-9]*\) : ${data} \. \([0-9]*\)/&, \1 : ${other} . \2/g;`;
}

/** For as long as it is in use, the real kernel is made to refuse whatever is written through nft for a Service with one of these endpoints. */
export class RefusingNft implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-nft-'));
  readonly #path = process.env['PATH'] ?? '';

  static async create(...endpoints: readonly string[]): Promise<RefusingNft> {
    const { stdout } = await systemRunner.run('sh', ['-c', 'command -v nft']);
    return new RefusingNft(stdout.trim(), endpoints);
  }

  private constructor(nft: string, endpoints: readonly string[]) {
    const script = `#!/bin/sh\ncase "$1" in -i|-f) sed -u '${endpoints.map(spoiled).join('')}' | ${nft} "$@" ;; *) exec ${nft} "$@" ;; esac\n`;
    writeFileSync(join(this.#folder, 'nft'), script, { mode: 0o755 });
    process.env['PATH'] = `${this.#folder}:${this.#path}`;
  }

  [Symbol.dispose](): void {
    process.env['PATH'] = this.#path;
    rmSync(this.#folder, { recursive: true });
  }
}
