import { SluiceError } from '../../base/errors.ts';
import { systemRunner } from '../../kernel/command.ts';
import { percentile } from '../statistics.ts';

export interface Load {
  readonly port: number;
  /** One question per line. */
  readonly file: string;
  readonly durationS: number;
  /** As many as it manages when absent. */
  readonly perSecond?: number;
}

export interface LoadOutcome {
  readonly perSecond: number;
  readonly completed: number;
  readonly lost: number;
  /** Where a rate was given. */
  readonly p99Ms?: number;
}

/** Each with a socket of its own. */
const CLIENTS = 8;

/** Asks on loopback. @throws {SluiceError} `command-missing` without dnsperf, `command-failed`. */
export async function dnsperf({ port, file, durationS, perSecond }: Load): Promise<LoadOutcome> {
  const server = ['-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(durationS), '-c', String(CLIENTS)];
  const limit = perSecond === undefined ? [] : ['-Q', String(perSecond), '-v'];
  const { exitCode, stdout, stderr } = await systemRunner.run('dnsperf', [...server, ...limit]);
  const figure = (what: string): number => Number(new RegExp(`${what}:\\s+([\\d.]+)`).exec(stdout)?.[1]);
  const rate = figure('Queries per second');
  if (exitCode !== 0 || Number.isNaN(rate)) {
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    throw new SluiceError({ code: 'command-failed', message: `dnsperf failed: ${reason}`, data: { file: 'dnsperf' } });
  }
  const latencies = Array.from(stdout.matchAll(LATENCY), ([, seconds]) => Number(seconds) * 1000);
  return {
    perSecond: rate,
    completed: figure('Queries completed'),
    lost: figure('Queries lost'),
    ...(perSecond === undefined ? {} : { p99Ms: percentile(latencies, 0.99) }),
  };
}

/** `> NOERROR svc-1.bench.svc.cluster.local A 0.000123` */
const LATENCY = /^> \S+ \S+ \S+ ([\d.]+)$/gm;
