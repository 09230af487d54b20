import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { knownDifference } from '../support/kube-proxy-differences.ts';
import type { KubeProxyMode } from '../support/kube-proxy-process.ts';
import { KUBE_PROXY, KubeProxyProcess, REAL_KUBE_PROXY_MODES } from '../support/kube-proxy-process.ts';
import { run } from '../support/program-machine.ts';
import type { Moment, Scenario } from '../support/scenario.ts';
import { playScenario, SCENARIO_NAMES } from '../support/scenario.ts';
import { checksOf, withNodeAddresses } from '../support/scenario-lab.ts';
import type { AffinityMemory } from '../support/scenario-packets.ts';
import { PacketLab } from '../support/scenario-packets.ts';
import { describePacket } from '../support/scenario-rows.ts';
import { nftWitness } from '../support/witness.ts';

/** Whose packets.txt speaks of the mode. */
const BACKEND_OF = { nftables: 'nft', iptables: 'iptables' } as const satisfies Record<KubeProxyMode, string>;

test.skipIf(KUBE_PROXY === '')('SLUICE_TEST_KUBE_PROXY names a kube-proxy 1.36', async () => {
  expect(await run(KUBE_PROXY, ['--version'])).toMatch(/^Kubernetes v1\.36\./);
});

describe.each(REAL_KUBE_PROXY_MODES)('kube-proxy (%s) does what packets.txt says', (mode) => {
  let packets: PacketLab;
  let node: ScenarioNode;

  beforeAll(async () => {
    packets = await PacketLab.open(nftWitness);
    node = new ScenarioNode(mode);
  });

  afterAll(async () => {
    await node.stop();
    await packets.close();
  });

  test.each(SCENARIO_NAMES)('%s', async (name) => {
    const backend = BACKEND_OF[mode];
    const scenario = playScenario(name, backend);
    const memory: AffinityMemory = new Map();
    await withNodeAddresses(scenario.settings.nodeAddresses, async () => {
      await node.begin(scenario);
      for (const [index, moment] of scenario.moments.entries()) {
        await node.reach(moment);
        await packets.flush();
        const faults = await packets.send(checksOf(moment, backend), memory);
        const known = index === 0 ? knownDifference(name, mode) : undefined;
        const unknown = faults.filter(({ packet }) => known?.packets.test(packet) !== true);
        expect(unknown.map(({ text }) => text)).toEqual([]);
        if (known?.occurs !== 'always') continue;
        const all = moment.checks.map(({ row, packet }) => describePacket(row, packet.family));
        const differing = new Set(faults.map(({ packet }) => packet));
        expect(all.filter((packet) => known.packets.test(packet) && !differing.has(packet))).toEqual([]);
      }
    });
  });
});

/** kube-proxy in the cluster of one scenario after the other; started anew where its settings or its node are others. */
class ScenarioNode {
  readonly #mode: KubeProxyMode;
  readonly #passing = new Map<string, UntypedObject>();
  #running: { readonly proxy: KubeProxyProcess; readonly circumstances: unknown } | undefined;

  constructor(mode: KubeProxyMode) {
    this.#mode = mode;
  }

  /** Has nothing of the scenario before, and all that does not change while this one lasts. */
  async begin({ settings: { configuration }, moments }: Scenario): Promise<void> {
    const objects = moments.flatMap((moment) => moment.objects.filter((object) => !isNamespaced(object)));
    const circumstances = { configuration, objects };
    if (this.#running !== undefined && isDeepStrictEqual(this.#running.circumstances, circumstances)) {
      const { proxy } = this.#running;
      for (const object of this.#passing.values()) await proxy.objects.remove(object);
      await proxy.synced();
    } else {
      await this.stop();
      const proxy = await KubeProxyProcess.start({ mode: this.#mode, configuration, objects });
      this.#running = { proxy, circumstances };
    }
    this.#passing.clear();
  }

  async reach({ step, objects }: Moment): Promise<void> {
    if (step !== undefined && 'waitS' in step) await sleep(step.waitS * 1000);
    for (const object of objects.filter(isNamespaced)) {
      this.#passing.set(`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`, object);
      await this.#running?.proxy.objects.put(object);
    }
    await this.#running?.proxy.synced();
  }

  async stop(): Promise<void> {
    await this.#running?.proxy.stop();
    this.#running = undefined;
  }
}

function isNamespaced({ metadata }: UntypedObject): boolean {
  return metadata.namespace !== undefined;
}
