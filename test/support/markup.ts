/** Elements of HTML that have no end. */
const VOID = new Set(['meta', '!doctype']);

/**
 * The names of all elements in the order in which they begin.
 *
 * @throws when one is not closed where it should be, or an attribute is not quoted.
 */
export function elementsOf(markup: string): readonly string[] {
  const names: string[] = [];
  const open: string[] = [];
  const withoutStyle = markup.replace(/<style>[^<]*<\/style>/g, '<style></style>');
  for (const [tag, end, name = '', attributes = ''] of withoutStyle.matchAll(/<(\/?)([!\w]+)([^>]*)>/g)) {
    if (end === '/') {
      const last = open.pop();
      if (last !== name) throw new Error(`${tag} closes <${last}>`);
      continue;
    }
    if (!/^(?: [\w:-]+="[^"<]*"| html)*$/.test(attributes)) throw new Error(`odd attributes: ${tag}`);
    names.push(name);
    if (!VOID.has(name)) open.push(name);
  }
  if (open.length > 0) throw new Error(`not closed: ${open.join(', ')}`);
  const stray = /&(?!amp;|lt;|gt;|quot;)\S*/.exec(withoutStyle);
  if (stray !== null) throw new Error(`not escaped: ${stray[0]}`);
  return names;
}
