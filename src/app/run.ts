import { Applier } from '../applier/applier.ts';
import type { Driver } from '../backend/contract.ts';
import { systemClock } from '../base/clock.ts';
import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { systemRunner } from '../kernel/command.ts';
import type { InstanceLock } from '../kernel/instance-lock.ts';
import { acquireInstanceLock } from '../kernel/instance-lock.ts';
import { OwnProcesses } from '../kernel/own-processes.ts';
import { tellSettings } from '../kernel/sysctl.ts';
import type { IpFamily } from '../model/address.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { clusterOf } from './cluster.ts';
import { applyRuleSettings } from './host-settings.ts';
import { removeLeftovers } from './leftovers.ts';
import { refuseOtherProxy } from './other-proxy.ts';
import type { Setup } from './setup.ts';
import { setupFrom } from './setup.ts';

export interface RunOptions {
  readonly config: Config;
  readonly log: Log;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly runner?: CommandRunner;
}

/**
 * Programs this node from manifests, once.
 *
 * @throws {SluiceError} when manifests cannot be read, tools are missing, another proxy is running or the rules cannot be
 *   written.
 */
export async function runOnce({ config, log, stdin, runner = systemRunner }: RunOptions): Promise<void> {
  const setup = setupFrom(config);
  const manifests = await new ManifestReader(config.manifests, stdin).read();
  const lock = await takeNode(config, log);
  const drivers = await openDrivers({ setup, runner, log });
  await applyRuleSettings(setup, log);
  const applier = new Applier({
    spelling: setup.backend.spelling(setup.backendSettings),
    drivers,
    clock: systemClock,
    log,
    minSyncPeriodMs: 0,
    verifyPeriodMs: config.syncPeriodMs,
  });
  try {
    const { inputs, badObjects, warnings } = clusterOf(manifests, setup);
    new Complaints(log).tell([...badObjects, ...warnings]);
    await applier.syncOnce(inputs);
    await removeLeftovers(setup, runner, log);
  } finally {
    await applier.stop();
    await lock?.release();
  }
}

/**
 * Makes sure that nobody else writes Service rules here, unless told not to mind.
 *
 * @throws {SluiceError} `other-proxy-running`, `already-running`.
 */
export async function takeNode(config: Config, log: Log): Promise<InstanceLock | undefined> {
  // The lock first: another sluice listens where kube-proxy would, and its name is the better message.
  const lock = await takeLock(config, log);
  if (config.takeOver) return lock;
  try {
    await refuseOtherProxy();
  } catch (thrown) {
    await lock?.release();
    throw thrown;
  }
  return lock;
}

async function takeLock({ takeOver }: Config, log: Log): Promise<InstanceLock | undefined> {
  try {
    return await acquireInstanceLock();
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (!takeOver) throw error;
    log.warn(`${error.message}; going on because of --take-over`);
    return undefined;
  }
}

/** @throws {SluiceError} when the backend's tools or rights are missing, or the kernel lacks what it needs; nothing is written then. */
export async function openDrivers({
  setup,
  runner,
  log,
  own = new OwnProcesses(),
}: {
  readonly setup: Setup;
  readonly runner: CommandRunner;
  readonly log: Log;
  /** Where the drivers note the processes that write for them. */
  readonly own?: OwnProcesses;
}): Promise<ReadonlyMap<IpFamily, Driver>> {
  const { backend, backendSettings } = setup;
  const probe = await backend.probe(runner);
  if (backend.advice !== undefined) log.warn(backend.advice.text);
  log.info(`writing rules with ${probe.description}`, { backend: backend.name, families: probe.families });
  for (const reason of probe.missing) log.warn(`${reason}: no rules for it`);
  if (probe.families.length === 0) {
    throw new SluiceError({
      code: 'kernel-unsupported',
      message: `${backend.name} can program no address family here`,
    });
  }
  await backend.prepare?.(runner, backendSettings);
  tellSettings((await backend.tuneHost?.(runner, backendSettings)) ?? [], log);
  return new Map(
    probe.families.map((family) => [family, backend.openDriver({ family, runner, settings: backendSettings, own })]),
  );
}

/** Says each complaint once, and again only after it was gone. */
export class Complaints {
  readonly #log: Log;
  #current: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  tell(lines: readonly string[]): void {
    for (const line of lines) if (!this.#current.has(line)) this.#log.warn(line);
    this.#current = new Set(lines);
  }
}
