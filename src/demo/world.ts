import { Applier } from '../applier/applier.ts';
import type { FamilyReport } from '../applier/family-sync.ts';
import type { Backend, BackendSettings } from '../backend/contract.ts';
import { systemClock } from '../base/clock.ts';
import { SluiceError } from '../base/errors.ts';
import { createLog } from '../base/log.ts';
import { compile } from '../compiler/compile.ts';
import type { CompileSettings, Plan } from '../compiler/plan.ts';
import type { CommandRunner } from '../kernel/command.ts';
import type { Lab } from '../lab/lab.ts';
import type { IpFamily } from '../model/address.ts';
import { socketAddress } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import type { ObjectEvent } from '../model/store.ts';
import { Store } from '../model/store.ts';

export interface WorldOptions {
  readonly lab: Lab;
  readonly backend: Backend;
  readonly backendSettings: BackendSettings;
  readonly settings: CompileSettings;
  readonly node: NodeInfo;
  readonly objects: readonly ObjectEvent[];
  readonly runner: CommandRunner;
}

/** A cluster of manifests, a lab of namespaces, and sluice between them. */
export class World {
  readonly store = new Store();
  readonly #options: WorldOptions;
  readonly #applier: Applier;
  readonly #families: readonly IpFamily[];

  private constructor(options: WorldOptions, applier: Applier, families: readonly IpFamily[]) {
    this.#options = options;
    this.#applier = applier;
    this.#families = families;
    for (const object of options.objects) this.store.apply(object);
  }

  /** Opens the backend; nothing is written yet. @throws {SluiceError} when tools or rights are missing. */
  static async open(options: WorldOptions): Promise<World> {
    const { backend, backendSettings, runner } = options;
    const { families } = await backend.probe(runner);
    await backend.prepare?.(runner, backendSettings);
    await backend.tuneHost?.(runner, backendSettings);
    const drivers = families.map(
      (family) => [family, backend.openDriver({ family, runner, settings: backendSettings })] as const,
    );
    const applier = new Applier({
      spelling: backend.spelling(backendSettings),
      drivers: new Map(drivers),
      clock: systemClock,
      log: createLog({ level: 'warn', format: 'text' }),
      minSyncPeriodMs: 0,
      verifyPeriodMs: 3_600_000,
    });
    return new World(options, applier, families);
  }

  get objects(): readonly ObjectEvent[] {
    return this.#options.objects;
  }

  get families(): readonly IpFamily[] {
    return this.#families;
  }

  /** The plan for what the store holds now. */
  plan(family: IpFamily): Plan {
    const { node, settings } = this.#options;
    return compile({ snapshot: this.store.snapshot(), node, settings, family }).plan;
  }

  /** Writes what the store holds now. @returns milliseconds from here to the kernel's acknowledgement, and what was written. */
  async sync(): Promise<{ readonly ms: number; readonly reports: readonly FamilyReport[] }> {
    const { node, settings } = this.#options;
    const startMs = performance.now();
    const reports = await this.#applier.syncOnce({ snapshot: this.store.snapshot(), node, settings });
    return { ms: performance.now() - startMs, reports };
  }

  /** Starts a server for every endpoint of every Service, named after its address and port. */
  async serve(): Promise<number> {
    const { lab } = this.#options;
    const servers = new Map<string, () => Promise<unknown>>();
    this.store.snapshot().endpoints.forEach((endpoints, key) => {
      const protocol = key.slice(key.lastIndexOf('/') + 1);
      if (protocol !== 'tcp' && protocol !== 'udp') return;
      for (const { address, port } of endpoints) {
        const pod = lab.pods.find((one) => Object.values(one.addresses).includes(address));
        if (pod === undefined) {
          throw new SluiceError({
            code: 'lab-failed',
            message: `endpoint ${address} of ${key} is no pod of the lab`,
            hint: `the lab has ${lab.pods.map((one) => `${one.name} ${one.addresses.IPv4}`).join(', ')}`,
          });
        }
        const name = socketAddress(address, port);
        servers.set(`${protocol} ${name}`, () =>
          lab.at(pod.name).listen({ protocol, port, addresses: [address], name }),
        );
      }
    });
    await Promise.all([...servers.values()].map((start) => start()));
    return servers.size;
  }

  async close(): Promise<void> {
    await this.#applier.stop();
  }
}
