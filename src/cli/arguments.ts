/** What the command line asks for besides commands and options. */
export type VersionRequest = 'plain' | 'raw';

const TOP_LEVEL = new Set(['-h', '--help']);

/**
 * Makes a command line of kube-proxy one of ours, and leaves ours as they are: flags without a command belong to
 * `fallback`; they may have underscores for dashes; `-v=4` is `-v 4`.
 *
 * @param args without the program and its script.
 */
export function normalizeArguments(args: readonly string[], fallback: string): readonly string[] {
  const spelled = args.flatMap((arg) => {
    const [, letter, value] = /^(-\w)=(.*)$/s.exec(arg) ?? [];
    if (letter !== undefined && value !== undefined) return [letter, value];
    return arg.replace(/^--[\w-]+/, (flag) => flag.replaceAll('_', '-'));
  });
  const [first = ''] = spelled;
  return first.startsWith('-') && !TOP_LEVEL.has(first) ? [fallback, ...spelled] : spelled;
}

/** Wherever it stands, as for kube-proxy: `-V`, `--version`, `--version=raw`, `--version=false`. */
export function versionRequest(args: readonly string[]): VersionRequest | undefined {
  for (const arg of args) {
    const [found, value = 'true'] = /^(?:-V|--version(?:=(.*))?)$/.exec(arg) ?? [];
    if (found !== undefined && value !== 'false') return value === 'raw' ? 'raw' : 'plain';
  }
  return undefined;
}
