/** Cuts at `separators` that are outside quotes and braces; blank pieces are left out. */
export function cut(text: string, separators: string): readonly string[] {
  const pieces: string[] = [];
  let piece = '';
  let depth = 0;
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    if (!quoted && character === '{') depth++;
    if (!quoted && character === '}') depth--;
    if (!quoted && depth === 0 && separators.includes(character)) {
      pieces.push(piece);
      piece = '';
    } else {
      piece += character;
    }
  }
  if (quoted || depth !== 0) throw new Error(`unbalanced: ${text}`);
  return [...pieces, piece].map((one) => one.trim()).filter((one) => one !== '');
}

/** What stands between the outermost braces, blanks and line feeds made one blank. */
export function inBraces(text: string): string {
  const body = /^\{([^]*)\}$/.exec(text)?.[1];
  if (body === undefined) throw new Error(`no braces: ${text}`);
  return body.replace(/\s+/g, ' ').trim();
}

export interface ElementText {
  /** The parts of a concatenation. */
  readonly key: readonly string[];
  /** With its quotes. */
  readonly comment?: string;
  readonly data?: string;
}

/** `10.96.0.1 . tcp . 80 comment "…" : goto x`. */
export function readElement(text: string): ElementText {
  const found = /^(.*?)(?: comment ("[^"]*"))?(?: : (.+))?$/.exec(text);
  const [, key = '', comment, data] = found ?? [];
  return {
    key: key.split(' . '),
    ...(comment === undefined ? {} : { comment }),
    ...(data === undefined ? {} : { data }),
  };
}

/** Chains and sets that the text of a rule or an element uses. */
export function referencesIn(text: string): { readonly chains: readonly string[]; readonly sets: readonly string[] } {
  const plain = text.replace(/"[^"]*"/g, '""');
  const all = (pattern: RegExp): readonly string[] => [...plain.matchAll(pattern)].map(([, name = '']) => name);
  return { chains: all(/\b(?:goto|jump) ([^\s,}]+)/g), sets: all(/@([^\s,}]+)/g) };
}

const PRIORITIES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  prerouting: { '-100': 'dstnat', '-110': 'dstnat - 10' },
  postrouting: { '100': 'srcnat' },
};

/** Hook priorities as nft prints them: by name, where it knows one. */
export function printedDefinition(definition: string): string {
  return definition.replace(/hook (\w+) priority (-?\d+)/, (_, hook: string, priority: string) => {
    const name = priority === '0' ? 'filter' : (PRIORITIES[hook]?.[priority] ?? priority);
    return `hook ${hook} priority ${name}`;
  });
}
