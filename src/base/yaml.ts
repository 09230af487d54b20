import type { Document } from 'yaml';
import { isMap, isNode, isScalar, isSeq, parseAllDocuments, stringify, visit } from 'yaml';

/** Steps from the top of a document: keys of maps, indices of lists. */
export type YamlPath = readonly (string | number)[];

export interface YamlProblem {
  /** Where in the text, in UTF-16 units. */
  readonly offset: number;
  /** One line. */
  readonly message: string;
}

/** A document that can be used. */
export interface YamlContent {
  readonly problem?: never;
  /** Plain data; `null` or `undefined` for an empty document. */
  readonly value: unknown;
  /** Where the content begins. */
  readonly offset: number;
  /** Keys that a map has twice; the last one counts. Always empty unless they were asked for. */
  readonly duplicates: readonly { readonly path: YamlPath; readonly offset: number }[];
  /** Where a key or an item begins; `undefined` when it is not spelled out there (aliases, merges). */
  offsetOf(path: YamlPath): number | undefined;
}

export type YamlDocument = { readonly problem: YamlProblem } | YamlContent;

export interface YamlOptions {
  /**
   * `core`: YAML 1.2. `go`: what the YAML library of Kubernetes takes, where `yes` and `on` are booleans and `010` is 8.
   */
  readonly dialect?: 'core' | 'go';
  /** A key given twice is a problem, unless the caller wants to know and go on. */
  readonly duplicates?: 'refuse' | 'report';
}

/** Every document of a text of YAML or JSON, in order. Does not throw: a document may be a problem instead. */
export function parseYaml(text: string, { dialect = 'core', duplicates = 'refuse' }: YamlOptions = {}): YamlDocument[] {
  const documents = parseAllDocuments(text, {
    version: dialect === 'go' ? '1.1' : '1.2',
    merge: true,
    prettyErrors: false,
    uniqueKeys: duplicates === 'refuse',
  });
  return documents.map((document) => contentOf(document, duplicates === 'report'));
}

/** Plain data as YAML, in the order of its keys. Text that Kubernetes would take for something else (`on`) is in quotes. */
export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0, version: '1.1' });
}

function contentOf(document: Document, findDuplicates: boolean): YamlDocument {
  const [error] = document.errors;
  if (error !== undefined) return problemAt(error.pos[0], error.message);
  const offset = startOf(document.contents) ?? 0;
  try {
    return {
      value: document.toJS(),
      offset,
      duplicates: findDuplicates ? duplicatesIn(document) : [],
      offsetOf: (path) => offsetOf(document, path),
    };
  } catch (thrown) {
    // An alias without its anchor, or a bomb of them.
    return problemAt(offset, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function problemAt(offset: number, message: string): YamlDocument {
  return { problem: { offset, message: message.split('\n')[0] ?? '' } };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function offsetOf({ contents }: Document, path: YamlPath): number | undefined {
  let node: unknown = contents;
  let offset: number | undefined;
  for (const step of path) {
    if (isSeq(node)) {
      node = typeof step === 'number' ? node.items[step] : undefined;
      offset = startOf(node);
    } else if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => nameOf(key) === String(step));
      node = pair?.value;
      offset = startOf(pair?.key);
    } else {
      return undefined;
    }
  }
  return offset;
}

function nameOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function duplicatesIn(document: Document): YamlContent['duplicates'] {
  const found: { path: YamlPath; offset: number }[] = [];
  visit(document, {
    Map(_key, map, ancestors) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = nameOf(key);
        if (seen.has(name)) found.push({ path: [...pathTo([...ancestors, map]), name], offset: startOf(key) ?? 0 });
        seen.add(name);
      }
    },
  });
  return found;
}

/** The steps that lead through the nodes of a visit: maps and lists with pairs between them. */
function pathTo(nodes: readonly unknown[]): YamlPath {
  return nodes.flatMap((node, i): YamlPath => {
    const child = nodes[i + 1];
    if (isSeq(node)) return [node.items.indexOf(child)];
    const pair = isMap(node) ? node.items.find((item) => item === child) : undefined;
    return pair === undefined ? [] : [nameOf(pair.key)];
  });
}
