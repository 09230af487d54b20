import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from './kube-client.ts';
import { TokenBucket } from './token-bucket.ts';

/** The object that an Event is about; `kubectl describe` shows it there. */
export interface EventSubject {
  readonly kind: 'Node' | 'Service';
  readonly name: string;
  /** Absent for a Node. */
  readonly namespace?: string;
  readonly uid?: string;
}

/** What an operator should see beside the object; see events.k8s.io/v1 for the fields. */
export interface EventReport {
  readonly regarding: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** Why, in UpperCamelCase: `Starting`. */
  readonly reason: string;
  /** What was being done: `StartKubeProxy`. */
  readonly action: string;
  /** For people. */
  readonly note: string;
}

export interface KubeEventsOptions {
  readonly client: Pick<KubeClient, 'send'>;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who reports; `kubectl get events` shows it as the source. */
const CONTROLLER = 'sluice';

/** Namespace of Events about objects that are in none. */
const CLUSTER_NAMESPACE = 'default';

/** Limits of the API for the text of a field. */
const MAX_NOTE_BYTES = 1024;
const MAX_INSTANCE_LENGTH = 128;

/** Repetitions are counted, and the count is written this often at most. */
const SERIES_MS = 60_000;

/** After so long without a repetition the next occurrence is an Event of its own again, as in client-go. */
const FORGET_MS = 6 * 60_000;

const PER_SECOND = 0.5;
const BURST = 20;
const MAX_WAITING = 100;

interface Series {
  readonly path: string;
  count: number;
  writtenCount: number;
  lastMs: number;
  lastDateMs: number;
}

/**
 * Writes Events. They are lost when the server is away or there are too many: an Event is a courtesy, and must neither
 * wait nor pile up.
 */
export class KubeEvents {
  readonly #options: KubeEventsOptions;
  readonly #bucket: TokenBucket;
  readonly #series = new Map<string, Series>();
  #waiting = 0;
  #writing: Promise<void> = Promise.resolve();
  #cancelFlush: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor(options: KubeEventsOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket({ perSecond: PER_SECOND, burst: BURST, clock: options.clock });
  }

  /** Returns at once. The same report again within minutes only raises a count. */
  report(report: EventReport): void {
    if (this.#stop.signal.aborted) return;
    const { clock } = this.#options;
    const { regarding, type, reason, action } = report;
    const key = JSON.stringify([regarding.kind, regarding.namespace, regarding.name, type, reason, action]);
    const known = this.#series.get(key);
    if (known !== undefined && clock.now() - known.lastMs < FORGET_MS) {
      known.count++;
      known.lastMs = clock.now();
      known.lastDateMs = clock.dateMs();
      return;
    }
    if (this.#waiting >= MAX_WAITING || !this.#bucket.tryTake()) return;
    const namespace = regarding.namespace ?? CLUSTER_NAMESPACE;
    const folder = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const name = `${regarding.name}.${randomBytes(8).toString('hex')}`;
    const [nowMs, dateMs] = [clock.now(), clock.dateMs()];
    const path = `${folder}/${name}`;
    this.#series.set(key, { path, count: 1, writtenCount: 1, lastMs: nowMs, lastDateMs: dateMs });
    this.#scheduleFlush();
    const body = eventObject(report, { name, namespace, dateMs, nodeName: this.#options.nodeName });
    this.#write(() => this.#options.client.send({ method: 'POST', path: folder, body, signal: this.#stop.signal }));
  }

  /** Gives what is under way a moment; nothing is written after that. */
  async stop(graceMs = 1000): Promise<void> {
    this.#cancelFlush?.();
    let cancel = (): void => {};
    const grace = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(graceMs, resolve);
    });
    await Promise.race([this.#writing, grace]);
    cancel();
    this.#stop.abort();
    await this.#writing;
  }

  /** One after the other, so that a series never gets ahead of its Event. */
  #write(send: () => Promise<void>): void {
    this.#waiting++;
    this.#writing = this.#writing
      .then(() => (this.#stop.signal.aborted ? undefined : send()))
      .catch((thrown: unknown) => this.#options.log.debug(`an Event is lost: ${toSluiceError(thrown).message}`))
      .finally(() => {
        this.#waiting--;
      });
  }

  #scheduleFlush(): void {
    this.#cancelFlush ??= this.#options.clock.after(SERIES_MS, () => this.#flush());
  }

  #flush(): void {
    this.#cancelFlush = undefined;
    const { client, clock } = this.#options;
    const { signal } = this.#stop;
    for (const [key, series] of this.#series) {
      if (series.count > series.writtenCount && this.#bucket.tryTake()) {
        const { path, count } = series;
        const body = { series: { count, lastObservedTime: microTime(series.lastDateMs) } };
        series.writtenCount = count;
        this.#write(() =>
          client.send({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json', signal }),
        );
      }
      if (clock.now() - series.lastMs >= FORGET_MS) this.#series.delete(key);
    }
    if (this.#series.size > 0) this.#scheduleFlush();
  }
}

interface EventFacts {
  readonly name: string;
  readonly namespace: string;
  readonly dateMs: number;
  readonly nodeName: string;
}

function eventObject(report: EventReport, { name, namespace, dateMs, nodeName }: EventFacts): unknown {
  const { regarding, type, reason, action, note } = report;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace },
    eventTime: microTime(dateMs),
    reportingController: CONTROLLER,
    reportingInstance: `${CONTROLLER}-${nodeName}`.slice(0, MAX_INSTANCE_LENGTH),
    type,
    reason,
    action,
    regarding: { apiVersion: 'v1', ...regarding },
    note: shortened(note),
  };
}

/** RFC 3339 with six digits, which the type MicroTime insists on. */
function microTime(dateMs: number): string {
  return new Date(dateMs).toISOString().replace('Z', '000Z');
}

/** At most so many bytes as the API takes, without half a character at the end. */
function shortened(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_NOTE_BYTES) return text;
  return bytes.toString('utf8', 0, MAX_NOTE_BYTES - 3).replace(/\uFFFD$/, '');
}
