import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BACKENDS } from '../../src/backend/registry.ts';
import { SCENARIO_NAMES } from '../support/scenario.ts';
import { ScenarioKernel, variantsOf } from '../support/scenario-kernel.ts';
import { PacketLab } from '../support/scenario-packets.ts';
import { nftWitness } from '../support/witness.ts';

/** IPVS is for the kernel of test/uml. */
const VARIANTS = BACKENDS.filter(({ name }) => name !== 'ipvs').flatMap((backend) =>
  variantsOf(backend, ['nf_tables', 'legacy']),
);

let packets: PacketLab;

beforeAll(async () => {
  packets = await PacketLab.open(nftWitness);
});

afterAll(async () => {
  await packets.close();
});

describe.each(VARIANTS)('$title', (variant) => {
  let kernel: ScenarioKernel;

  beforeAll(async () => {
    kernel = new ScenarioKernel(variant);
    await kernel.prepare();
  });

  afterAll(() => kernel.close());

  test.each(SCENARIO_NAMES)('%s', async (name) => {
    expect(await kernel.play(name, packets)).toEqual([]);
  });
});
