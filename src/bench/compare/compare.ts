import { toSluiceError } from '../../base/errors.ts';
import type { Progress } from '../progress.ts';
import type { Skipped } from '../report/report.ts';
import { ApiClient } from './api-client.ts';
import type { ClusterSize } from './api-orders.ts';
import type { ContenderSpec } from './contender.ts';
import { Contender } from './contender.ts';
import type { ProxyMode } from './files.ts';
import { ConfigFiles } from './files.ts';
import type { Effort, RunSample } from './measure.ts';
import { FIRST_PROBE, measureRun, measureStart, mergeRuns } from './measure.ts';
import { API_ADDRESS, NETNS, openSurroundings, withNode } from './node.ts';
import { Prober } from './prober.ts';
import { BASE_OBJECTS, ENDPOINTS } from './workload.ts';

export interface CompareOptions {
  /** The first is what the others are compared with. */
  readonly contenders: readonly ContenderSpec[];
  readonly services: readonly number[];
  /** How often each contender is started in each cluster. */
  readonly runs: number;
  readonly mode: ProxyMode;
  readonly minSyncPeriod: string | undefined;
  readonly effort: Effort;
  /** The folder with etcd and kube-apiserver; without it the API server is our own. */
  readonly assets: string | undefined;
  readonly seed: number;
  readonly progress: Progress;
}

/** One contender in one cluster. */
export interface CompareOutcome {
  readonly contender: string;
  readonly services: number;
  readonly sample: RunSample;
}

export interface CompareResult {
  readonly outcomes: readonly CompareOutcome[];
  /** Contenders that gave up half way, with what they said. */
  readonly skipped: readonly Skipped[];
}

const ENDPOINTS_PER_SERVICE = 4;

/**
 * Starts every contender in every cluster, in turn. This process's network namespace has to be a private one.
 *
 * @throws {SluiceError} `command-failed` for a contender that does not even serve a cluster with one Service.
 */
export async function benchCompare(options: CompareOptions): Promise<CompareResult> {
  const surroundings = await openSurroundings();
  const result = { outcomes: [] as CompareOutcome[], skipped: [] as Skipped[] };
  try {
    await tryAll(options);
    for (const [i, services] of options.services.entries()) {
      const { outcomes, skipped } = await inCluster(options, services, i);
      result.outcomes.push(...outcomes);
      result.skipped.push(...skipped);
    }
  } finally {
    await surroundings.stop();
  }
  return result;
}

/** Better now than after an hour. The others before sluice: it is they who may have been written wrongly. */
async function tryAll(options: CompareOptions): Promise<void> {
  const steps = stepsOf(options);
  await withCluster(options, undefined, async ({ start }) => {
    for (const spec of options.contenders.toReversed()) {
      options.progress.show(0, steps, `${spec.name}: does it start?`);
      await withNode(() =>
        runOne(
          () => start(spec),
          ({ contender, prober }) => measureStart(contender, prober),
        ),
      );
    }
  });
}

interface Cluster {
  readonly api: ApiClient;
  readonly start: (spec: ContenderSpec) => Promise<Contender>;
}

/** An API server with the node and a Service, and what of a synthetic cluster is asked for. */
async function withCluster<T>(
  { assets, mode, minSyncPeriod }: CompareOptions,
  size: ClusterSize | undefined,
  use: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const api = await ApiClient.start(API_ADDRESS, assets);
  try {
    const files = await ConfigFiles.write({ server: api.url, mode, minSyncPeriod });
    try {
      await api.tell({ do: 'put', objects: [...BASE_OBJECTS, ...FIRST_OBJECTS] });
      if (size !== undefined) await api.tell({ do: 'load', ...size });
      return await use({ api, start: ({ name, command }) => Contender.start(name, files.fill(command)) });
    } finally {
      await files.remove();
    }
  } finally {
    await api.stop();
  }
}

const FIRST_OBJECTS = [FIRST_PROBE.service, FIRST_PROBE.slice(ENDPOINTS[0])];

function stepsOf({ services, runs, contenders }: CompareOptions): number {
  return services.length * runs * contenders.length;
}

async function inCluster(options: CompareOptions, services: number, nth: number): Promise<CompareResult> {
  const { contenders, runs, effort, seed, progress } = options;
  const size: ClusterSize = { services, endpointsPerService: ENDPOINTS_PER_SERVICE, seed };
  const steps = stepsOf(options);
  let done = (nth * steps) / options.services.length;
  const say = (who: string, what: string) => progress.show(done, steps, `${services} Services: ${who}: ${what}`);
  const samples = new Map<string, RunSample[]>(contenders.map(({ name }) => [name, []]));
  const failures = new Map<string, Skipped>();
  say('API server', 'loading');
  await withCluster(options, size, async ({ api, start }) => {
    for (let run = 0; run < runs; run++) {
      // Nobody is to be always the first.
      for (const spec of run % 2 === 0 ? contenders : contenders.toReversed()) {
        const { name } = spec;
        // Churn may have left another endpoint.
        await api.tell({ do: 'put', objects: FIRST_OBJECTS });
        const context = { api, size, effort, doing: (what: string) => say(name, what) };
        try {
          const measure = (started: Running) => measureRun({ ...context, ...started });
          samples.get(name)?.push(await withNode(() => runOne(() => start(spec), measure)));
        } catch (thrown) {
          const { message } = toSluiceError(thrown);
          progress.note(message);
          failures.set(name, { what: `${name} with ${services} Services`, reason: message });
        }
        done++;
      }
    }
  });
  const outcomes = [...samples].flatMap(([contender, ofOne]) => {
    const sample = mergeRuns(ofOne);
    return sample === undefined ? [] : [{ contender, services, sample }];
  });
  return { outcomes, skipped: [...failures.values()] };
}

interface Running {
  readonly contender: Contender;
  readonly prober: Prober;
}

async function runOne<T>(start: () => Promise<Contender>, use: (running: Running) => Promise<T>): Promise<T> {
  const prober = await Prober.start(NETNS);
  try {
    const contender = await start();
    try {
      return await contender.during(use({ contender, prober }));
    } finally {
      await contender.stop();
    }
  } finally {
    await prober.stop();
  }
}
