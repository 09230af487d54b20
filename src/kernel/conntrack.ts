import { setImmediate as nextTurn } from 'node:timers/promises';
import { SluiceError } from '../base/errors.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import type { CommandResult, CommandRunner } from './command.ts';
import type { UdpFlow } from './conntrack-flow.ts';
import { parseFlow } from './conntrack-flow.ts';
import { deleteByNetlink } from './conntrack-netlink.ts';

export interface ListOptions {
  /** Only entries that clients send to this address; spares reading out the others. */
  readonly destination?: IpAddress;
  /** Only entries whose destination a rule of netfilter has translated, which IPVS does without its knowledge. */
  readonly translatedByRules?: boolean;
}

const FAMILY_ARGUMENT = { IPv4: 'ipv4', IPv6: 'ipv6' } as const satisfies Record<IpFamily, string>;

/** Half a million entries take about two seconds. */
const TIMEOUT_MS = 30_000;

/** The kernel cuts a listing short when the table is resized under it; kube-proxy tries as often. */
const MAX_TRIES = 5;

/** About 5 ms of work: nobody else waits longer while a long listing is read. */
const LINES_PER_TURN = 4000;

/** What takes about 20 ms to encode. */
const FLOWS_PER_PROCESS = 5000;

/** Each takes a tenth of a second where there are 50,000 entries. */
const PAIRS_PER_PROCESS = 20;

/**
 * The UDP part of the kernel's connection tracking table, in this process's network namespace. Entries of other protocols
 * are neither seen nor touched.
 */
export class Conntrack {
  readonly #runner: CommandRunner;

  constructor(runner: CommandRunner) {
    this.#runner = runner;
  }

  /**
   * The entries for which `wanted` says so. One process; costs as much as the table is long.
   *
   * @throws {SluiceError} `command-missing`, `permission-denied`, `command-failed`, `command-timeout`.
   */
  async list(
    family: IpFamily,
    wanted: (flow: UdpFlow) => boolean,
    { destination, translatedByRules = false }: ListOptions = {},
  ): Promise<readonly UdpFlow[]> {
    const only = [...(destination === undefined ? [] : ['-d', destination]), ...(translatedByRules ? ['-g'] : [])];
    const args = ['-L', '-f', FAMILY_ARGUMENT[family], '-p', 'udp', ...only, '-o', 'id'];
    const listing = await this.#run('conntrack', args);
    const flows: UdpFlow[] = [];
    let lines = 0;
    for (let start = 0, end = 0; start < listing.length; start = end + 1) {
      end = listing.indexOf('\n', start);
      if (end < 0) end = listing.length;
      const flow = parseFlow(listing.slice(start, end));
      if (flow !== undefined && wanted(flow)) flows.push(flow);
      lines += 1;
      if (lines % LINES_PER_TURN === 0) await nextTurn();
    }
    return flows;
  }

  /**
   * Deletes entries that {@link list} found, with one process for some thousands of them. One that has ended meanwhile is
   * as good as deleted; a successor with the same addresses and ports stays, unless it goes to the same endpoint again.
   *
   * @throws {SluiceError} as {@link list}; some may be deleted then.
   */
  async delete(family: IpFamily, flows: readonly UdpFlow[]): Promise<void> {
    const options = { runner: this.#runner, family, timeoutMs: TIMEOUT_MS };
    for (const batch of inBatches(flows, FLOWS_PER_PROCESS)) {
      if (!(await deleteByNetlink(batch, options))) {
        await this.#deleteByPairs(family, flows);
        return;
      }
    }
  }

  /**
   * One pass over the table for each pair of destination and endpoint: exact, and fast enough for some of them. What
   * takes longer than other work on the kernel may is left for another time.
   */
  async #deleteByPairs(family: IpFamily, flows: readonly UdpFlow[]): Promise<void> {
    const deletions = flows.map((flow) => {
      const original = `-d ${flow.destination} --orig-port-dst ${flow.destinationPort}`;
      const reply = `-r ${flow.replySource} --reply-port-src ${flow.replySourcePort}`;
      return `-D -f ${FAMILY_ARGUMENT[family]} -p udp ${original} ${reply}\n`;
    });
    const deadlineMs = performance.now() + TIMEOUT_MS;
    for (const batch of inBatches([...new Set(deletions)], PAIRS_PER_PROCESS)) {
      if (performance.now() > deadlineMs) throw late();
      // It opens its standard input by name, which works for a pipe only; Node's pipes are sockets.
      await this.#run('sh', ['-c', 'cat | conntrack -R -'], batch.join(''));
    }
  }

  async #run(file: string, args: readonly string[], input = ''): Promise<string> {
    for (let tries = 1; ; tries += 1) {
      const result = await this.#runner.run(file, args, { input, timeoutMs: TIMEOUT_MS });
      if (result.exitCode === 0) return result.stdout;
      if (tries === MAX_TRIES || !isPassing(result)) throw explain(result);
    }
  }
}

function* inBatches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

function late(): SluiceError {
  return new SluiceError({
    code: 'command-timeout',
    message: `conntrack could not delete all entries within ${TIMEOUT_MS / 1000} s`,
    hint: 'install perl: with it each takes microseconds',
  });
}

/** An entry went while it was being deleted (conntrack 1.4.7 stops there), or the table changed under a listing. */
function isPassing({ stderr }: CommandResult): boolean {
  return /doesn't exist|Interrupted system call/.test(stderr);
}

function explain({ exitCode, stderr }: CommandResult): SluiceError {
  const reason = /\(conntrack-tools\): (.+)/.exec(stderr)?.[1] ?? stderr.trim();
  const denied = /CAP_NET_ADMIN|not permitted|Permission denied/.test(stderr);
  return new SluiceError({
    code: denied ? 'permission-denied' : 'command-failed',
    message: `conntrack failed: ${reason === '' ? `exit code ${exitCode}` : reason}`,
    ...(denied ? { hint: 'the capability NET_ADMIN is needed' } : {}),
    data: { exitCode, stderr },
  });
}
