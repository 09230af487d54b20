import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/bench/random.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { DnsComparison } from '../support/coredns/comparison.ts';
import { DIFFERENCES, SILENCE, WITHOUT_ROOM } from '../support/coredns/differences.ts';
import { describeFault } from '../support/coredns/fault.ts';
import { Judge } from '../support/coredns/judge.ts';
import { ODD_PACKETS } from '../support/coredns/packets.ts';
import { randomQueries, tableOf } from '../support/coredns/questions.ts';
import type { DnsVariant } from '../support/coredns/server.ts';
import { COREDNS, DNS_VARIANTS } from '../support/coredns/server.ts';
import { namesOf } from '../support/coredns/world-names.ts';
import { asServed, DNS_WORLDS, peculiaritiesOf, SCENARIO_WORLDS } from '../support/coredns/worlds.ts';
import { run } from '../support/program-machine.ts';

const SEED = 20_260_101;
const RANDOM_QUERIES = 3000;

/** For tens of thousands of questions to each server, on a busy machine. */
const PATIENCE_MS = 300_000;

test.skipIf(COREDNS === '')('SLUICE_TEST_COREDNS names a CoreDNS 1.13', async () => {
  expect(await run(COREDNS, ['-version'])).toMatch(/^CoreDNS-1\.13\./);
});

// One skipped test tells enough where there is none.
describe.each([COREDNS].filter((path) => path !== ''))('%s says the same, but for the table', () => {
  const seen = new Set<string>();
  let comparison: DnsComparison;

  beforeAll(async () => {
    await run('ip', ['link', 'set', 'lo', 'up']);
    comparison = await DnsComparison.start();
  });

  afterAll(() => comparison.stop());

  /** @returns what is not as it should be. */
  async function faults(
    objects: readonly UntypedObject[],
    variant: DnsVariant,
    random: number,
  ): Promise<readonly string[]> {
    const names = namesOf(objects);
    const queries = [...tableOf(names), ...randomQueries(names, random, seededRandom(SEED))];
    const compared = await comparison.ask(variant, queries);
    const judge = new Judge(compared, peculiaritiesOf(objects, variant));
    const found = compared.flatMap((one) => judge.judge(one) ?? []);
    for (const what of judge.seen) seen.add(what);
    return found.map(describeFault);
  }

  test.each(Object.entries(DNS_WORLDS))('%s', { timeout: PATIENCE_MS }, async (_name, make) => {
    const objects = asServed(make());
    await comparison.enter(objects);
    for (const variant of DNS_VARIANTS) expect(await faults(objects, variant, RANDOM_QUERIES)).toEqual([]);
  });

  test.each(Object.entries(SCENARIO_WORLDS))('scenario %s', { timeout: PATIENCE_MS }, async (_name, make) => {
    const objects = asServed(make());
    await comparison.enter(objects);
    expect(await faults(objects, DNS_VARIANTS[0], RANDOM_QUERIES / 10)).toEqual([]);
  });

  test.each(ODD_PACKETS)('$what', async ({ packet, coredns, sluice }) => {
    await comparison.enter([]);
    expect(await comparison.fates(DNS_VARIANTS[0], packet)).toEqual({ coredns, sluice });
  });

  test('nothing is in the table that does not differ', () => {
    const known = [...DIFFERENCES, SILENCE, ...Object.values(WITHOUT_ROOM)].map(({ what }) => what);
    expect([...seen].toSorted()).toEqual(known.toSorted());
  });
});
