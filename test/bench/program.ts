import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask } from '../support/http.ts';
import { parseScrape } from '../support/scrape.ts';
import type { ApiProcess } from './api-process.ts';
import { nowMs } from './api-process.ts';
import type { TreeUsage } from './process-tree.ts';
import { usageOf } from './process-tree.ts';

const SOURCES = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Short-lived objects are few after the start; without this V8 keeps three times 16 MB for them. */
const NODE_OPTIONS = ['--max-semi-space-size=2'];

const METRICS_PORT = 10_249;

/** Of the histogram of the longest delay in each second, see the metric. */
const DELAYS = 'sluice_event_loop_delay_seconds';

/** The program as a node runs it. */
export class Program {
  readonly startedMs = nowMs();
  readonly #child: ChildProcess;
  #stderr = '';

  /** `path`: of the bundle; default are the sources. */
  constructor(api: ApiProcess, path = SOURCES) {
    const args = ['run', '--master', api.url, '--hostname-override', 'node-1', '--cluster-cidr', '10.128.0.0/9'];
    this.#child = spawn(process.execPath, [...NODE_OPTIONS, path, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-5000);
    });
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  usage(): TreeUsage {
    return usageOf(this.#child.pid ?? 0);
  }

  /** Of one core, over the time. */
  async cpuShare(durationMs: number): Promise<number> {
    const before = this.usage().cpuMs;
    const startMs = nowMs();
    await sleep(durationMs);
    return (this.usage().cpuMs - before) / (nowMs() - startMs);
  }

  /** Seconds by upper bound of the metric's buckets: in how many the longest delay was at most that. */
  async delays(): Promise<ReadonlyMap<number, number>> {
    const { body } = await ask({ port: METRICS_PORT, path: '/metrics' });
    const samples = parseScrape(body).get(DELAYS)?.samples ?? new Map<string, number>();
    const bounds = [...samples].flatMap(([sample, count]) => {
      const bound = /le="([^"]+)"/.exec(sample)?.[1];
      return bound === undefined ? [] : [[bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), count] as const];
    });
    return new Map(bounds);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  /** What it said last, for messages. */
  get lastWords(): string {
    return this.#stderr;
  }
}

/** The bound below which all delays were that came between two looks. */
export function longestDelayMs(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  const counts = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const);
  const all = counts.find(([bound]) => bound === Number.POSITIVE_INFINITY)?.[1] ?? 0;
  const bounds = counts.filter(([, count]) => count === all).map(([bound]) => bound);
  return Math.min(...bounds) * 1000;
}
