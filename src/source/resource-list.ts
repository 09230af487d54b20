import { SluiceError } from '../base/errors.ts';
import { parseJson } from './parse-json.ts';
import { isRecord, isText } from './resource.ts';

/** What a list says besides its items. */
export interface ListHead {
  /** The state of the collection that the list shows. */
  readonly version: string;
  /** Token of the next page; empty on the last one. */
  readonly next: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = { brace: 0x7b, bracket: 0x5b };
const CLOSE = { brace: 0x7d, bracket: 0x5d };

/** Inside the list of items; the List object itself is depth 1. Nothing else of a List has a list at this depth. */
const ITEMS_DEPTH = 2;

/**
 * Takes a list apart into the texts of its items while it comes in, so that neither the whole text nor the whole tree is
 * ever in memory, and a page of large objects does not block for as long as parsing it takes.
 */
export class ListSplitter {
  /** Everything but the items. */
  readonly #rest: Buffer[] = [];
  /** The beginning of an item that goes on in the next chunk. */
  #item: Buffer[] = [];
  #place: 'rest' | 'item' | 'between items' = 'rest';
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** The items that end in this chunk. */
  push(chunk: Buffer): readonly string[] {
    const items: string[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#inString) this.#readString(byte);
      else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN.brace || byte === OPEN.bracket) {
        this.#depth++;
        if (this.#place === 'rest' && byte === OPEN.bracket && this.#depth === ITEMS_DEPTH) {
          this.#rest.push(chunk.subarray(start, at + 1));
          this.#place = 'between items';
        } else if (this.#place === 'between items') {
          start = at;
          this.#place = 'item';
        }
      } else if (byte === CLOSE.brace || byte === CLOSE.bracket) {
        this.#depth--;
        if (this.#place === 'item' && this.#depth === ITEMS_DEPTH) {
          items.push(this.#takeItem(chunk.subarray(start, at + 1)));
          this.#place = 'between items';
        } else if (this.#place === 'between items') {
          start = at;
          this.#place = 'rest';
        }
      }
    }
    if (this.#place === 'rest') this.#rest.push(chunk.subarray(start));
    else if (this.#place === 'item') this.#item.push(chunk.subarray(start));
    return items;
  }

  /** @throws {SluiceError} `api-garbled` when the list is not complete. */
  end(): ListHead {
    const json = parseJson(Buffer.concat(this.#rest).toString('utf8'));
    const metadata = isRecord(json) ? json['metadata'] : undefined;
    if (!isRecord(json) || json['items'] === undefined || !isRecord(metadata) || !isText(metadata['resourceVersion'])) {
      throw new SluiceError({ code: 'api-garbled', message: 'a list is not complete, or is no list at all' });
    }
    const next = metadata['continue'];
    return { version: metadata['resourceVersion'], next: isText(next) ? next : '' };
  }

  #readString(byte: number | undefined): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  #takeItem(end: Buffer): string {
    if (this.#item.length === 0) return end.toString('utf8');
    const text = Buffer.concat([...this.#item, end]).toString('utf8');
    this.#item = [];
    return text;
  }
}
