import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../../src/backend/assembly.ts';
import type { Backend, BackendSettings, Driver } from '../../src/backend/contract.ts';
import { BACKENDS } from '../../src/backend/registry.ts';
import type { RuleSet } from '../../src/backend/rules.ts';
import { diffRuleSets, isEmptyChange, NO_RULES } from '../../src/backend/rules.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import type { IpFamily } from '../../src/model/address.ts';
import type { Moment } from '../support/scenario.ts';
import { playScenario, SCENARIO_NAMES } from '../support/scenario.ts';
import type { AffinityMemory } from '../support/scenario-packets.ts';
import { PacketLab } from '../support/scenario-packets.ts';
import { judge } from '../support/scenario-plan.ts';
import { BACKEND_SETTINGS } from '../support/scenario-settings.ts';

interface Variant {
  readonly title: string;
  readonly backend: Backend;
  readonly settings: BackendSettings;
}

const VARIANTS = BACKENDS.flatMap((backend): readonly Variant[] => {
  if (backend.name !== 'iptables') return [{ title: backend.name, backend, settings: BACKEND_SETTINGS }];
  return (['nf_tables', 'legacy'] as const).map((iptablesVariant) => ({
    title: `${backend.name} (${iptablesVariant})`,
    backend,
    settings: { ...BACKEND_SETTINGS, iptablesVariant },
  }));
});

let packets: PacketLab;

beforeAll(async () => {
  packets = await PacketLab.open();
});

afterAll(async () => {
  await packets.close();
});

describe.each(VARIANTS)('$title', ({ backend, settings }) => {
  let kernel: Kernel;

  beforeAll(() => {
    kernel = new Kernel(backend, settings);
  });

  afterAll(async () => {
    await kernel.close();
    await backend.cleanup(systemRunner);
  });

  test.each(SCENARIO_NAMES)('%s', async (name) => {
    const scenario = playScenario(name, backend.name);
    const memory: AffinityMemory = new Map();
    const { nodeAddresses } = scenario.settings;
    await setNodeAddresses('add', nodeAddresses);
    try {
      for (const moment of scenario.moments) {
        if (moment.step !== undefined && 'waitS' in moment.step) await sleep(moment.step.waitS * 1000);
        await kernel.write(moment);
        await packets.flush();
        const checks = moment.checks.map((check) => {
          const { service } = judge(moment.plans[check.packet.family], check.packet, backend.name);
          return { ...check, serviceKey: service?.key ?? '' };
        });
        expect(await packets.send(checks, memory)).toEqual([]);
        expect(await kernel.differences()).toEqual([]);
      }
    } finally {
      await setNodeAddresses('del', nodeAddresses);
    }
  });
});

/** Both families of one backend, written to by difference: what a scenario leaves is where the next one starts. */
class Kernel {
  readonly #backend: Backend;
  readonly #settings: BackendSettings;
  readonly #drivers: Readonly<Record<IpFamily, Driver>>;
  readonly #current = new Map<IpFamily, RuleSet>();

  constructor(backend: Backend, settings: BackendSettings) {
    const driver = (family: IpFamily): Driver => backend.openDriver({ family, runner: systemRunner, settings });
    this.#backend = backend;
    this.#settings = settings;
    this.#drivers = { IPv4: driver('IPv4'), IPv6: driver('IPv6') };
  }

  async write({ plans }: Moment): Promise<void> {
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
  async differences(): Promise<readonly string[]> {
    const found = await Promise.all(
      IP_FAMILIES.map(async (family) => {
        const wanted = this.#current.get(family) ?? NO_RULES;
        const change = diffRuleSets(await this.#drivers[family].read(), wanted);
        return isEmptyChange(change) ? [] : [`${family}:`, ...this.#backend.explain(change)];
      }),
    );
    return found.flat();
  }

  async close(): Promise<void> {
    for (const driver of Object.values(this.#drivers)) await driver.close();
  }
}

async function setNodeAddresses(action: 'add' | 'del', addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const { exitCode, stderr } = await systemRunner.run('ip', ['addr', action, address, 'dev', 'lo']);
    if (exitCode !== 0) throw new Error(stderr);
  }
}
