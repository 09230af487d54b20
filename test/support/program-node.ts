import { describeCluster } from '../../src/app/cluster.ts';
import type { Setup } from '../../src/app/setup.ts';
import { setupFrom } from '../../src/app/setup.ts';
import { Applier } from '../../src/applier/applier.ts';
import type { SyncInputs } from '../../src/applier/family-state.ts';
import type { FamilyReport } from '../../src/applier/family-sync.ts';
import { StaleFlows } from '../../src/applier/stale-flows.ts';
import { assemble } from '../../src/backend/assembly.ts';
import type { BackendSettings } from '../../src/backend/contract.ts';
import { BUILT_IN_CHAINS } from '../../src/backend/xtables/names.ts';
import type { RuleSet } from '../../src/backend/rules.ts';
import { diffRuleSets } from '../../src/backend/rules.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { Log, LogLevel } from '../../src/base/log.ts';
import { createLog } from '../../src/base/log.ts';
import { compile } from '../../src/compiler/compile.ts';
import type { Config } from '../../src/config/resolve.ts';
import { flagLayer, resolveOptions } from '../../src/config/resolve.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Conntrack } from '../../src/kernel/conntrack.ts';
import { interfaceAddresses } from '../../src/kernel/interfaces.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { identify } from '../../src/model/object.ts';
import { Store } from '../../src/model/store.ts';
import type { ProgramService } from './program-objects.ts';
import { NODE_OBJECT, objectsOf, TOPOLOGY } from './program-objects.ts';
import type { ProgramVariant } from './program-variants.ts';

/** What `sluice run` would be told in the lab. */
export function configFor({ backend, flags }: ProgramVariant, manifests: readonly string[] = ['-']): Config {
  const common = { backend: backend.name, manifests, 'cluster-cidr': Object.values(TOPOLOGY.clusterCidrs) };
  return resolveOptions('run', [flagLayer({ ...common, ...flags })]);
}

/** Remembers what is logged, one text per line. */
export class MemoryLog {
  readonly lines: string[] = [];
  readonly log: Log;

  constructor(level: LogLevel = 'warn') {
    this.log = createLog({ level, format: 'text', write: (line) => void this.lines.push(line) });
  }
}

/** A cluster in memory, and sluice's way from there to this machine's kernel. */
export class ProgramNode {
  readonly store: Store;
  readonly complaints = new MemoryLog();
  readonly #setup: Setup;
  readonly #settings: BackendSettings;
  readonly #flows: StaleFlows | undefined;
  #applier: Applier;

  /** @param options `cleansFlows`: of UDP that go to endpoints which are gone, as `sluice run` does. */
  constructor(
    variant: ProgramVariant,
    services: readonly ProgramService[],
    { cleansFlows = false }: { readonly cleansFlows?: boolean } = {},
  ) {
    if (cleansFlows) this.#flows = this.#staleFlows();
    this.#setup = setupFrom(configFor(variant));
    const { iptables } = variant;
    this.#settings = {
      ...this.#setup.backendSettings,
      ...(iptables === undefined ? {} : { iptablesVariant: iptables }),
    };
    this.store = new Store();
    this.#apply(NODE_OBJECT);
    for (const service of services) this.put(service);
    this.#applier = this.#openApplier();
  }

  /** What the program does before its first sync. */
  async prepare(): Promise<void> {
    await this.#setup.backend.prepare?.(systemRunner, this.#settings);
    await this.#setup.backend.tuneHost?.(systemRunner, this.#settings);
  }

  /** Adds a Service, or changes the one of that name. */
  put(service: ProgramService): void {
    for (const object of objectsOf(service)) this.#apply(object);
  }

  remove(service: ProgramService): void {
    for (const object of objectsOf(service)) this.#apply(object, true);
  }

  #apply(json: object, gone = false): void {
    const identity = identify(json);
    if (identity === undefined) throw new Error(`not an object: ${JSON.stringify(json)}`);
    this.store.apply({ ...identity, json: gone ? undefined : json });
  }

  /** Writes the newest state. @throws when the kernel did not take all of it. */
  async sync(): Promise<readonly FamilyReport[]> {
    const reports = await this.#applier.syncOnce(this.#inputs());
    const refused = reports.flatMap((report) => report.refused);
    if (refused.length > 0) throw new Error(`refused: ${refused.map(({ error }) => error.message).join('; ')}`);
    return reports;
  }

  /** Ends the applier and its helpers and opens others, which know nothing. */
  async restart(): Promise<void> {
    await this.#applier.stop();
    this.#applier = this.#openApplier();
  }

  async stop(): Promise<void> {
    await this.#applier.stop();
  }

  /** The rules that the newest state should lead to, compiled from scratch. */
  desired(family: IpFamily): RuleSet {
    const { plan } = compile({ ...this.#inputs(), family });
    return assemble(this.#setup.backend.spelling(this.#settings), plan).rules;
  }

  /** The same as iptables prints it: `nat :KUBE-SERVICES -`, `nat -A KUBE-SERVICES …`. */
  desiredChains(family: IpFamily): readonly string[] {
    return [...this.desired(family)].flatMap(([id, object]) => {
      const [table = '', chain = ''] = id.split(' ');
      const declaration = BUILT_IN_CHAINS.has(chain) ? [] : [`${table} :${chain} -`];
      return [...declaration, ...(object.ordered ? object.lines : []).map((line) => `${table} -A ${chain} ${line}`)];
    });
  }

  /** What the kernel holds otherwise than it should: rules to remove and to add. */
  async differences(): Promise<readonly string[]> {
    const { backend } = this.#setup;
    const found: string[] = [];
    for (const family of IP_FAMILIES) {
      const driver = backend.openDriver({ family, runner: systemRunner, settings: this.#settings });
      const change = diffRuleSets(await driver.read(), this.desired(family));
      await driver.close();
      const ids = [...change.objects, ...change.members].map(({ id }) => id);
      found.push(...[...ids, ...backend.explain(change)].map((line) => `${family} ${line}`));
    }
    return found;
  }

  #inputs(): SyncInputs {
    const nothing = { objects: new Map(), problems: [], failures: [], emptied: [] };
    return describeCluster(this.store, { ...nothing, found: { files: [], watched: new Map() } }, this.#setup).inputs;
  }

  #staleFlows(): StaleFlows {
    const { log } = this.complaints;
    const conntrack = new Conntrack(systemRunner);
    return new StaleFlows({ conntrack, clock: systemClock, log, localAddresses: interfaceAddresses });
  }

  #openApplier(): Applier {
    const open = (family: IpFamily) =>
      this.#setup.backend.openDriver({ family, runner: systemRunner, settings: this.#settings });
    return new Applier({
      spelling: this.#setup.backend.spelling(this.#settings),
      drivers: new Map(IP_FAMILIES.map((family) => [family, open(family)])),
      clock: systemClock,
      log: this.complaints.log,
      minSyncPeriodMs: 0,
      verifyPeriodMs: 3_600_000,
      ...(this.#flows === undefined ? {} : { flows: this.#flows }),
    });
  }
}
