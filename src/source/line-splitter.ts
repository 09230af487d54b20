import { SluiceError } from '../base/errors.ts';

const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** An EndpointSlice of 1,000 endpoints has 300 KB; etcd refuses objects above 1.5 MB. */
const MAX_LINE_BYTES = 32 * 2 ** 20;

/** Takes a stream of bytes apart into lines of UTF-8. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** Bytes of a line that has not ended yet. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** The lines that end in this chunk, without their ends. @throws {SluiceError} `api-garbled` for an endless line. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      lines.push(this.#complete(chunk, { start, end }));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  #complete(chunk: Buffer, { start, end }: { start: number; end: number }): string {
    if (this.#parts.length === 0) return chunk.toString('utf8', start, end);
    const line = Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString('utf8');
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }

  #keep(part: Buffer = NOTHING): void {
    this.#parts.push(part);
    this.#bytes += part.length;
    if (this.#bytes <= MAX_LINE_BYTES) return;
    throw new SluiceError({ code: 'api-garbled', message: `an event is longer than ${MAX_LINE_BYTES} bytes` });
  }
}
