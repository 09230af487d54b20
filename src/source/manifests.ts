import { SluiceError } from '../base/errors.ts';
import { parseYaml } from '../base/yaml.ts';
import { identify } from '../model/object.ts';
import type { ObjectEvent } from '../model/store.ts';

/** An object of a manifest; one that a proxy does not read is not in the list at all. */
export type ManifestObject = ObjectEvent & { readonly origin: string };

/**
 * Objects of earlier documents by their text. A document that did not change is not parsed again, and its objects are
 * the very same: parsing YAML costs about half a second per megabyte.
 */
export type DocumentCache = ReadonlyMap<string, readonly LocatedObject[]>;

/** An untyped object and where in its document it begins. */
interface LocatedObject {
  readonly json: unknown;
  /** Lines after the document's first; in JSON the place in the list instead. */
  readonly at: number | string;
}

export interface ParsedManifest {
  readonly objects: readonly ManifestObject[];
  /** For the next version of the same file. */
  readonly cache: DocumentCache;
}

/**
 * The objects in one file of YAML (any number of documents) or JSON, lists taken apart.
 *
 * @throws {SluiceError} `bad-yaml` with file, line and column.
 */
export function parseManifest(text: string, file: string, known: DocumentCache = new Map()): ParsedManifest {
  const cache = new Map<string, readonly LocatedObject[]>();
  const objects: ManifestObject[] = [];
  for (const document of splitDocuments(text)) {
    const located = known.get(document.text) ?? cache.get(document.text) ?? parseDocument(document, file);
    cache.set(document.text, located);
    for (const { json, at } of located) {
      const identity = identify(json);
      const origin = `${file}:${typeof at === 'number' ? document.line + at : at}`;
      if (identity !== undefined) objects.push({ ...identity, json, origin });
    }
  }
  return { objects, cache };
}

interface DocumentText {
  readonly text: string;
  /** The line of the file, from 1, that the text begins with. */
  readonly line: number;
}

/** A line that begins with `---` starts a document wherever it is, block scalars and quotes included (YAML 1.2, 9.1.2). */
const DOCUMENT_START = /^---(?=\s|$)/gm;

/** Anything but blanks, comments and directives. */
const HAS_CONTENT = /^[ \t]*[^\s#%]/m;

function splitDocuments(text: string): readonly DocumentText[] {
  const starts = [0, ...Array.from(text.matchAll(DOCUMENT_START), (match) => match.index)];
  const documents: DocumentText[] = [];
  let line = 1;
  for (const [i, start] of starts.entries()) {
    const part = text.slice(start, starts[i + 1]);
    if (HAS_CONTENT.test(part)) documents.push({ text: part, line });
    line += countLines(part);
  }
  return documents;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++;
  return lines;
}

/** What is between two `---`; several documents still, when `...` ends one of them. */
function parseDocument({ text, line }: DocumentText, file: string): readonly LocatedObject[] {
  const json = text.trimStart().startsWith('{') ? parseJson(text) : undefined;
  if (json !== undefined) return takeApart(json, (index) => (index === undefined ? 0 : `items[${index}]`));
  const fail = (offset: number, reason: string) => {
    throw badYaml({
      file,
      line: line + countLines(text.slice(0, offset)),
      reason,
      column: offset - text.lastIndexOf('\n', offset - 1),
    });
  };
  const lineAt = lineCounter(text);
  return parseYaml(text).flatMap((document) => {
    if (document.problem !== undefined) return fail(document.problem.offset, document.problem.message);
    const { value, offset: start } = document;
    if (value === null || value === undefined) return [];
    if (typeof value !== 'object') return fail(start, 'this is not an object');
    return takeApart(value, (index) =>
      lineAt((index === undefined ? undefined : document.offsetOf(['items', index])) ?? start),
    );
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // It may be YAML that begins with a brace; if not, that parser says where it is wrong.
  }
}

/** Line (from 0) of an offset; cheap when asked in the order of the text. */
function lineCounter(text: string): (offset: number) => number {
  let counted = 0;
  let line = 0;
  return (offset) => {
    if (offset < counted) [counted, line] = [0, 0];
    line += countLines(text.slice(counted, offset));
    counted = offset;
    return line;
  };
}

/**
 * The items of a List, of a ServiceList and the like, or the object itself. Items of typed lists need not say what they
 * are: that is how the API server writes them.
 */
function takeApart(json: unknown, at: (index?: number) => LocatedObject['at']): readonly LocatedObject[] {
  const { apiVersion, kind, items } = json as { apiVersion?: unknown; kind?: unknown; items?: unknown };
  if (typeof kind !== 'string' || !kind.endsWith('List') || !Array.isArray(items)) return [{ json, at: at() }];
  const inherited = kind === 'List' ? {} : { apiVersion, kind: kind.slice(0, -'List'.length) };
  return items.map((item: unknown, index) => {
    const bare = kind !== 'List' && typeof item === 'object' && item !== null && !Object.hasOwn(item, 'kind');
    return { json: bare ? { ...inherited, ...item } : item, at: at(index) };
  });
}

function badYaml(at: { file: string; line: number; column: number; reason: string }): SluiceError {
  return new SluiceError({
    code: 'bad-yaml',
    message: `${at.file}:${at.line}:${at.column}: ${at.reason}`,
    hint: 'correct the file, or leave it out',
    data: at,
  });
}
