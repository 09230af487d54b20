import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRunner } from '../../src/kernel/command.ts';

/** A Service with this endpoint is one that the kernel will not have. */
export const REFUSED_ENDPOINT = '10.66.0.1';

/** The element again with other data, which the kernel refuses: "File exists". */
const TWICE = String.raw`s/\([0-9a-f.:]* \. [0-9]* \. [0-9]*\) : 10\.66\.0\.1 \. \([0-9]*\)/&, \1 : 10.66.0.2 . \2/g`;

/** For as long as it is in use, whatever is written through nft for a Service with {@link REFUSED_ENDPOINT} is refused by the real kernel. */
export class RefusingNft implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-nft-'));
  readonly #path = process.env['PATH'] ?? '';

  static async create(): Promise<RefusingNft> {
    const { stdout } = await systemRunner.run('sh', ['-c', 'command -v nft']);
    return new RefusingNft(stdout.trim());
  }

  private constructor(nft: string) {
    const script = `#!/bin/sh\ncase "$1" in -i|-f) sed -u '${TWICE}' | ${nft} "$@" ;; *) exec ${nft} "$@" ;; esac\n`;
    writeFileSync(join(this.#folder, 'nft'), script, { mode: 0o755 });
    process.env['PATH'] = `${this.#folder}:${this.#path}`;
  }

  [Symbol.dispose](): void {
    process.env['PATH'] = this.#path;
    rmSync(this.#folder, { recursive: true });
  }
}
