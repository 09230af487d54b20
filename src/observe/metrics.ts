import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { assertNever } from '../base/errors.ts';
import { IP_FAMILIES } from '../model/address.ts';
import { KUBE_PROXY_METRICS } from './kube-proxy-metrics.ts';
import type { MetricSpec, ProxyMode } from './metric-spec.ts';
import { OWN_METRICS } from './own-metrics.ts';

/** Every metric but those of the process and of Node.js, which prom-client brings. The README's table is made of this. */
export const METRICS = { ...KUBE_PROXY_METRICS, ...OWN_METRICS };

export type MetricName = keyof typeof METRICS;

type NameOf<T extends MetricSpec['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never;
}[MetricName];

/** A value for each label of the metric. */
export type LabelsOf<N extends MetricName> = Readonly<Record<(typeof METRICS)[N]['labels'][number], string>>;

export interface MetricsOptions {
  readonly mode: ProxyMode;
  /** Adds process_* and nodejs_*, whose monitors run until the process ends. */
  readonly processMetrics?: boolean;
}

type AnyMetric = Counter | Gauge | Histogram;

/** How often the delay of the event loop is looked at; prom-client's 10 ms keep an idle process busier. */
const LOOP_RESOLUTION_MS = 20;

const HOOK_TIMEOUT_MS = 1000;

/**
 * The values behind /metrics. Names, types and labels are those of {@link METRICS}; a value for a metric that does not
 * exist in this mode is forgotten, so that callers need not know modes.
 */
export class Metrics {
  readonly #main = new Registry();
  readonly #slis = new Registry();
  readonly #metrics = new Map<string, AnyMetric>();
  readonly #hooks: (() => void | Promise<void>)[] = [];

  constructor({ mode, processMetrics = false }: MetricsOptions) {
    for (const [name, spec] of Object.entries<MetricSpec>(METRICS)) {
      if (spec.modes?.includes(mode) === false) continue;
      this.#metrics.set(name, createMetric(name, spec, spec.page === 'slis' ? this.#slis : this.#main));
    }
    if (processMetrics) {
      collectDefaultMetrics({ register: this.#main, eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS });
    }
  }

  /** Of the text that {@link text} gives. */
  get contentType(): string {
    return this.#main.contentType;
  }

  increment<N extends NameOf<'counter'>>(name: N, labels: LabelsOf<N>, by = 1): void {
    const metric = this.#metrics.get(name);
    if (metric instanceof Counter) metric.inc(labels, by);
  }

  /** For totals that somebody else counts, such as the kernel; `undefined` removes the value. */
  setTotal<N extends NameOf<'counter'>>(name: N, labels: LabelsOf<N>, total: number | undefined): void {
    const metric = this.#metrics.get(name);
    if (!(metric instanceof Counter)) return;
    metric.remove(labels);
    if (total !== undefined) metric.inc(labels, total);
  }

  /** `undefined` removes the value. */
  set<N extends NameOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number | undefined): void {
    const metric = this.#metrics.get(name);
    if (!(metric instanceof Gauge)) return;
    if (value === undefined) metric.remove(labels);
    else metric.set(labels, value);
  }

  observe<N extends NameOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void {
    const metric = this.#metrics.get(name);
    if (metric instanceof Histogram) metric.observe(labels, value);
  }

  /** Forgets all values of a gauge, for those whose labels come and go. */
  clear(name: NameOf<'gauge'>): void {
    this.#metrics.get(name)?.reset();
  }

  /**
   * Calls back before every scrape, for values that are cheaper to ask for than to keep. One that takes longer than a second,
   * or fails, is not waited for: a scrape with old values beats none.
   */
  beforeScrape(hook: () => void | Promise<void>): void {
    this.#hooks.push(hook);
  }

  /** The Prometheus text of everything on /metrics. */
  async text(): Promise<string> {
    await Promise.all(this.#hooks.map(runHook));
    return this.#main.metrics();
  }

  /** The Prometheus text of /metrics/slis. */
  slisText(): Promise<string> {
    return this.#slis.metrics();
  }

  resetSlis(): void {
    this.#slis.resetMetrics();
  }
}

function createMetric(name: string, spec: MetricSpec, register: Registry): AnyMetric {
  const { type, help, labels, buckets } = spec;
  const common = { name, help, labelNames: [...labels], registers: [register] };
  switch (type) {
    case 'counter': {
      const counter = new Counter(common);
      // From zero on, so that the first increase is seen as one.
      if (labels.length === 1 && labels[0] === 'ip_family') {
        for (const family of IP_FAMILIES) counter.inc({ ip_family: family }, 0);
      }
      if (spec.countedElsewhere === true) counter.remove({});
      return counter;
    }
    case 'gauge':
      return new Gauge(common);
    case 'histogram':
      return new Histogram({ ...common, buckets: [...(buckets ?? [])] });
    default:
      return assertNever(type);
  }
}

async function runHook(hook: () => void | Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, HOOK_TIMEOUT_MS);
  });
  try {
    await Promise.race([hook(), late]);
  } catch {
    // The hook's owner reports its own failures; here they only mean old values.
  } finally {
    clearTimeout(timer);
  }
}
