import { setTimeout as sleep } from 'node:timers/promises';
import { assemble } from '../../src/backend/assembly.ts';
import type { Backend, BackendSettings, Driver } from '../../src/backend/contract.ts';
import type { RuleSet } from '../../src/backend/rules.ts';
import { diffRuleSets, isEmptyChange, NO_RULES } from '../../src/backend/rules.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import type { Moment } from './scenario.ts';
import { playScenario } from './scenario.ts';
import { checksOf, withNodeAddresses } from './scenario-lab.ts';
import type { AffinityMemory, PacketLab } from './scenario-packets.ts';
import { BACKEND_SETTINGS } from './scenario-settings.ts';

/** A backend as the kernel's tools offer it. */
export interface KernelVariant {
  readonly title: string;
  readonly backend: Backend;
  readonly settings: BackendSettings;
}

/** One variant for each of these variants of iptables, or one in all for a backend that has none. */
export function variantsOf(backend: Backend, iptables: readonly ('nf_tables' | 'legacy')[]): readonly KernelVariant[] {
  if (backend.name === 'nft') return [{ title: backend.name, backend, settings: BACKEND_SETTINGS }];
  return iptables.map((iptablesVariant) => ({
    title: `${backend.name} (${iptablesVariant})`,
    backend,
    settings: { ...BACKEND_SETTINGS, iptablesVariant },
  }));
}

/** Both families of one backend, written to by difference: what a scenario leaves is where the next one starts. */
export class ScenarioKernel {
  readonly #backend: Backend;
  readonly #settings: BackendSettings;
  readonly #drivers: Readonly<Record<IpFamily, Driver>>;
  readonly #current = new Map<IpFamily, RuleSet>();

  constructor({ backend, settings }: KernelVariant) {
    const driver = (family: IpFamily): Driver => backend.openDriver({ family, runner: systemRunner, settings });
    this.#backend = backend;
    this.#settings = settings;
    this.#drivers = { IPv4: driver('IPv4'), IPv6: driver('IPv6') };
  }

  /** Has to come first: readies the machine. */
  async prepare(): Promise<void> {
    await this.#backend.prepare?.(systemRunner, this.#settings);
    await this.#backend.tuneHost?.(systemRunner, this.#settings);
  }

  /**
   * Writes what a scenario wants and sends its packets, moment by moment.
   *
   * @returns what was wrong with packets, or the kernel's rules, in the first moment that went wrong.
   */
  async play(name: string, packets: PacketLab): Promise<readonly string[]> {
    const scenario = playScenario(name, this.#backend.name);
    const memory: AffinityMemory = new Map();
    return withNodeAddresses(scenario.settings.nodeAddresses, async () => {
      for (const moment of scenario.moments) {
        if (moment.step !== undefined && 'waitS' in moment.step) await sleep(moment.step.waitS * 1000);
        await this.#write(moment);
        await packets.flush();
        const faults = await packets.send(checksOf(moment, this.#backend.name), memory);
        const wrong = [...faults.map(({ text }) => text), ...(await this.#differences())];
        if (wrong.length > 0) return wrong;
      }
      return [];
    });
  }

  /** Leaves nothing in the kernel. */
  async close(): Promise<void> {
    for (const driver of Object.values(this.#drivers)) await driver.close();
    await this.#backend.cleanup(systemRunner);
  }

  async #write({ plans }: Moment): Promise<void> {
    const write = async (family: IpFamily): Promise<void> => {
      const { rules } = assemble(this.#backend.spelling(this.#settings), plans[family]);
      const driver = this.#drivers[family];
      const known = this.#current.get(family) ?? (await driver.read());
      // A scenario that fails leaves no assumption for the next one.
      this.#current.delete(family);
      await driver.apply(diffRuleSets(known, rules), rules);
      this.#current.set(family, rules);
    };
    await Promise.all(IP_FAMILIES.map(write));
  }

  /** What the kernel holds otherwise than was written, as rules to remove and to add. */
  async #differences(): Promise<readonly string[]> {
    const found = await Promise.all(
      IP_FAMILIES.map(async (family) => {
        const wanted = this.#current.get(family) ?? NO_RULES;
        const change = diffRuleSets(await this.#drivers[family].read(), wanted);
        return isEmptyChange(change) ? [] : [`${family}:`, ...this.#backend.explain(change)];
      }),
    );
    return found.flat();
  }
}
