/** One metric in a Prometheus text. */
export interface ScrapedMetric {
  readonly type: string;
  readonly help: string;
  /** `name{label="value",…}`, labels sorted, → value. */
  readonly samples: ReadonlyMap<string, number>;
}

const SAMPLE = /^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the text of /metrics. @throws when a line is none of the format. */
export function parseScrape(text: string): ReadonlyMap<string, ScrapedMetric> {
  const metrics = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  let current = { type: '', help: '', samples: new Map<string, number>() };
  for (const line of text.split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      current = { type: '', help: rest, samples: new Map() };
      metrics.set(name, current);
    } else if (keyword === 'TYPE') current.type = rest;
    else if (line !== '') {
      const [, sample, labels = '', value] = SAMPLE.exec(line) ?? [];
      if (sample === undefined) throw new Error(`not a sample: ${line}`);
      const pairs = Array.from(labels.matchAll(LABEL), ([pair]) => pair).sort();
      current.samples.set(pairs.length === 0 ? sample : `${sample}{${pairs.join(',')}}`, Number(value));
    }
  }
  return metrics;
}

/** The value of a sample written as `name{label="value",…}`, labels sorted. */
export function sampleOf(scrape: ReadonlyMap<string, ScrapedMetric>, sample: string): number | undefined {
  const name = sample.replace(/\{.*/, '');
  const metric = scrape.get(name) ?? scrape.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  return metric?.samples.get(sample);
}
