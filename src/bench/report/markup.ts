type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Text as it may stand between tags and in attributes of HTML and SVG. */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** An element around markup; texts are to be escaped by the caller. Attributes without a value are left out. */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeText(typeof value === 'number' ? short(value) : (value ?? ''))}"`);
  return `<${name}${written.join('')}>${content.join('')}</${name}>`;
}

/** Positions need no more than tenths of a pixel. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
