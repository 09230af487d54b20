import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backendNamed } from '../../src/backend/registry.ts';
import { SCENARIO_NAMES } from '../support/scenario.ts';
import { ScenarioKernel, variantsOf } from '../support/scenario-kernel.ts';
import { PacketLab } from '../support/scenario-packets.ts';
import { ipsetWitness } from '../support/witness.ts';

/** Every other scenario with IPVS, from the first or the second on: two machines share the work. */
export function testScenarios(first: 0 | 1): void {
  const names = SCENARIO_NAMES.filter((_, index) => index % 2 === first);
  let packets: PacketLab;

  beforeAll(async () => {
    packets = await PacketLab.open(ipsetWitness);
  });

  afterAll(async () => {
    await packets.close();
  });

  describe.each(variantsOf(backendNamed('ipvs'), ['legacy']))('$title', (variant) => {
    let kernel: ScenarioKernel;

    beforeAll(async () => {
      kernel = new ScenarioKernel(variant);
      await kernel.prepare();
    });

    afterAll(() => kernel.close());

    test.each(names)('%s', async (name) => {
      expect(await kernel.play(name, packets)).toEqual([]);
    });
  });
}
