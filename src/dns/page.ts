import type { CountedHistogram } from './counters.ts';

export type Labels = Readonly<Record<string, string>>;

/** As CoreDNS spells response codes in labels. */
export const RCODE_NAMES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
  16: 'BADVERS',
};

/** What several threads counted, together. */
export function joinHistograms(parts: readonly CountedHistogram[]): CountedHistogram {
  const counts = (parts[0]?.counts ?? []).map((_, i) =>
    parts.reduce((total, part) => total + (part.counts[i] ?? 0), 0),
  );
  return { counts, sum: parts.reduce((total, part) => total + part.sum, 0) };
}

/** Lines of the text format; values with labels that never changed are left out, as in other Prometheus clients. */
export class Page {
  #name = '';
  readonly #lines: string[] = [];

  head(name: string, type: string, help: string): void {
    this.#name = name;
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  counter(labels: Labels, value: number): void {
    if (value > 0 || Object.keys(labels).length === 0) this.#line('', labels, value);
  }

  histogram(labels: Labels, bounds: readonly number[], { counts, sum }: CountedHistogram): void {
    const total = counts.reduce((all, count) => all + count, 0);
    if (total === 0) return;
    let below = 0;
    for (const [i, bound] of bounds.entries()) {
      below += counts[i] ?? 0;
      this.#line('_bucket', { ...labels, le: String(bound) }, below);
    }
    this.#line('_bucket', { ...labels, le: '+Inf' }, total);
    this.#line('_sum', labels, sum);
    this.#line('_count', labels, total);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  #line(suffix: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(
      ([label, text]) => `${label}="${text.replace(/[\\"]/g, String.raw`\$&`)}"`,
    );
    this.#lines.push(`${this.#name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`);
  }
}
