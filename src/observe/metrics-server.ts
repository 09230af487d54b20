import type { Clock } from '../base/clock.ts';
import type { HttpHandler } from './http-exchange.ts';
import { jsonReply, routes, textReply } from './http-exchange.ts';
import type { Metrics } from './metrics.ts';
import { profileHandler } from './profile.ts';
import type { ProxyHealth } from './proxy-health.ts';
import { readyzHandler } from './readyz.ts';
import { verbosityHandler } from './verbosity.ts';
import { zpageHandler } from './zpages.ts';

export interface MetricsPagesOptions {
  readonly metrics: Metrics;
  /** Text of others for the end of /metrics. */
  readonly more?: () => Promise<string>;
  readonly health: ProxyHealth;
  readonly clock: Clock;
  /** kube-proxy's word for the backend. */
  readonly proxyMode: string;
  /** The effective KubeProxyConfiguration, with kind and apiVersion. */
  readonly configz: () => unknown;
  /** Effective flags without dashes, as text. */
  readonly flags: () => Readonly<Record<string, string>>;
  /** Of sluice. */
  readonly version: string;
  /** The release of kube-proxy whose behaviour this is: `1.36`. */
  readonly emulatedVersion: string;
  /** When the process started, milliseconds since 1970. */
  readonly startedDateMs: number;
  /** Changes the level of the log to a word or kube-proxy's number for it; false when there is no such level. */
  readonly setLogLevel: (level: string) => boolean;
  /** Serves /debug/pprof and /debug/flags too. */
  readonly profiling: boolean;
}

/** What the metrics server (port 10249) answers. */
export function metricsPages(options: MetricsPagesOptions): HttpHandler {
  const { metrics, health, proxyMode, configz } = options;
  const handlers: Record<string, HttpHandler> = {
    '/configz': () => jsonReply(200, { 'kubeproxy.config.k8s.io': configz() }),
    '/flagz': flagzHandler(options),
    '/healthz': () => textReply(200, 'ok'),
    '/metrics': async () => ({
      status: 200,
      contentType: metrics.contentType,
      body: `${await metrics.text()}${(await options.more?.()) ?? ''}`,
    }),
    '/metrics/slis': slisHandler(metrics),
    '/proxyMode': () => textReply(200, proxyMode),
    '/readyz': readyzHandler(health, metrics),
    ...(options.profiling ? debugHandlers(options) : {}),
  };
  const paths = [...Object.keys(handlers), '/statusz'].sort();
  handlers['/statusz'] = statuszHandler(options, paths);
  return routes(handlers);
}

function debugHandlers({ clock, setLogLevel }: MetricsPagesOptions): Record<string, HttpHandler> {
  const profiles = textReply(
    200,
    '/debug/pprof/profile?seconds=N: a CPU profile, as .cpuprofile for developer tools\n',
  );
  const flags = textReply(200, '/debug/flags/v: PUT a number or a word to change the level of the log\n');
  return {
    '/debug/flags': () => flags,
    '/debug/flags/v': verbosityHandler(setLogLevel),
    '/debug/pprof/': () => profiles,
    '/debug/pprof/profile': profileHandler(clock),
  };
}

function slisHandler(metrics: Metrics): HttpHandler {
  return async ({ method }) => {
    if (method === 'DELETE') {
      metrics.resetSlis();
      return textReply(200, 'metrics reset\n');
    }
    return { status: 200, contentType: metrics.contentType, body: await metrics.slisText() };
  };
}

function flagzHandler({ flags }: MetricsPagesOptions): HttpHandler {
  const sorted = (): [string, string][] => Object.entries(flags()).sort(([a], [b]) => (a < b ? -1 : 1));
  return zpageHandler({
    kind: 'Flagz',
    text: () =>
      sorted()
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    object: () => ({ flags: Object.fromEntries(sorted()) }),
  });
}

function statuszHandler(options: MetricsPagesOptions, paths: readonly string[]): HttpHandler {
  const { clock, version, emulatedVersion, startedDateMs } = options;
  const uptimeS = (): number => Math.max(0, Math.floor((clock.dateMs() - startedDateMs) / 1000));
  const rows = (): Readonly<Record<string, string>> => ({
    Started: new Date(startedDateMs).toUTCString(),
    Up: describeSpan(uptimeS()),
    'Node.js version': process.version,
    'Binary version': version,
    'Emulation version': emulatedVersion,
    Paths: paths.join(' '),
  });
  return zpageHandler({
    kind: 'Statusz',
    text: () =>
      Object.entries(rows())
        .map(([name, value]) => `${name}: ${value}\n`)
        .join(''),
    object: () => ({
      startTime: new Date(startedDateMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      uptimeSeconds: uptimeS(),
      binaryVersion: version,
      emulationVersion: emulatedVersion,
      paths,
    }),
  });
}

/** `26 hr 03 min 09 sec`. */
function describeSpan(seconds: number): string {
  const twoDigits = (n: number): string => String(n % 60).padStart(2, '0');
  return `${Math.floor(seconds / 3600)} hr ${twoDigits(Math.floor(seconds / 60))} min ${twoDigits(seconds)} sec`;
}
