/** The lines of a text one by one, for texts of many megabytes. One that ends with a newline has no empty line behind it. */
export function* linesIn(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(at, end);
    at = end + 1;
  }
}
