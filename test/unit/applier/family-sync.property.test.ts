import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FamilySync } from '../../../src/applier/family-sync.ts';
import type { SyncInputs } from '../../../src/applier/family-state.ts';
import { nftSpelling } from '../../../src/backend/nft/render.ts';
import type { RuleSet } from '../../../src/backend/rules.ts';
import { compile } from '../../../src/compiler/compile.ts';
import type { IpFamily } from '../../../src/model/address.ts';
import { IP_FAMILIES } from '../../../src/model/address.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeDriver } from '../../support/fake-driver.ts';
import { FakeNft } from '../../support/fake-nft.ts';
import { fakeNftDriver } from '../../support/nft-driver.ts';
import { plainRules } from '../../support/rule-sets.ts';
import { histories, World } from '../../support/snapshots.ts';
import { BAD, BAD_ENDPOINT, inputsFor, keyOf, rulesFor } from '../../support/sync-inputs.ts';

function syncTo(
  driver: FakeDriver | ReturnType<typeof fakeNftDriver>['driver'],
  family: IpFamily = 'IPv4',
): FamilySync {
  return new FamilySync({ family, driver, spelling: nftSpelling, clock: new FakeClock() });
}

type Services = Readonly<Record<number, readonly string[]>>;

const healthy = fc.subarray(['10.1.0.1', '10.1.0.2', '10.1.0.3']);
const state = fc.oneof(
  { weight: 3, arbitrary: healthy },
  { weight: 1, arbitrary: healthy.map((endpoints) => [...endpoints, BAD_ENDPOINT]) },
);
const services: fc.Arbitrary<Services> = fc.dictionary(fc.nat(12).map(String), state, {
  maxKeys: 10,
  noNullPrototype: true,
});
const steps = fc.array(fc.record({ services, restart: fc.boolean(), distrust: fc.boolean() }), {
  minLength: 1,
  maxLength: 5,
});

function isBad(endpoints: readonly string[]): boolean {
  return endpoints.includes(BAD_ENDPOINT);
}

/** The endpoints that the kernel ends up with: those wanted, where they are healthy, else those that it had. */
function settled(wanted: Services, before: Services): Services {
  const kept = Object.entries(wanted).map(
    ([n, endpoints]) => [n, isBad(endpoints) ? before[Number(n)] : endpoints] as const,
  );
  return Object.fromEntries(kept.filter(([, endpoints]) => endpoints !== undefined)) as Services;
}

/** Services of which neither the wanted nor the present state is at issue. */
function untouched(wanted: Services, before: Services): Services {
  const same = Object.entries(wanted).filter(
    ([n, endpoints]) => JSON.stringify(endpoints) === JSON.stringify(before[Number(n)]),
  );
  return Object.fromEntries(same);
}

function holds(rules: RuleSet, inputs: SyncInputs): boolean {
  const { plan } = compile({ ...inputs, family: 'IPv4' });
  const pieces = [...plan.services.values()].flatMap((service) => nftSpelling.service(service, plan));
  return pieces.every(({ object, key, lines }) => {
    const there = rules.get(object);
    if (there === undefined) return false;
    return there.ordered || JSON.stringify(there.members.get(key)) === JSON.stringify(lines);
  });
}

test('exactly the culprits are refused and keep what they had; nobody else is held up or interrupted', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const driver = new FakeDriver();
      driver.poison = BAD;
      let sync = syncTo(driver);
      let kernel: Services = {};
      let tried: Services = {};
      for (const { services: wanted, restart, distrust } of history) {
        if (restart) sync = syncTo(driver);
        if (distrust) sync.distrust();
        if (restart || distrust) tried = {};
        const steady = inputsFor(untouched(wanted, kernel));
        driver.onApplied = (rules) => expect(holds(rules, steady)).toBe(true);
        const { refused } = await sync.sync(inputsFor(wanted));
        const bad = Object.keys(wanted)
          .map(Number)
          .filter((n) => isBad(wanted[n] ?? []));
        const fresh = bad.filter((n) => JSON.stringify(tried[n]) !== JSON.stringify(wanted[n]));
        expect(refused.map(({ key }) => key).sort()).toEqual(fresh.map(keyOf).sort());
        expect(sync.quarantined).toEqual(bad.map(keyOf).sort());
        // A process that remembers nothing finds what a culprit had.
        kernel = settled(wanted, kernel);
        tried = wanted;
        expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(kernel))));
      }
    }),
    { numRuns: 150 },
  );
});

/** Endpoints of the {@link World} that a moody kernel does not take. */
const MOODS = [undefined, /10\.244\.1\.3|fd00:244:1::3/, /10\.244\.1\.[12]|fd00:244:1::[12]/];

test('whatever was refused on the way, a kernel that takes everything ends with everything', async () => {
  const moody = fc.record({
    family: fc.constantFrom(...IP_FAMILIES),
    history: histories,
    moods: fc.array(fc.constantFrom(...MOODS), { minLength: 8, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(moody, async ({ family, history, moods }) => {
      const driver = new FakeDriver();
      const sync = syncTo(driver, family);
      const world = new World();
      for (const [i, events] of history.entries()) {
        driver.poison = moods[i];
        const inputs = world.happen(events);
        await sync.sync(inputs).catch((thrown: unknown) => expect(thrown).toMatchObject({ code: 'kernel-refused' }));
        if (moods[i] === undefined && sync.quarantined.length === 0) {
          expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputs, family)));
        }
      }
      driver.poison = undefined;
      sync.distrust();
      await sync.sync(world.now());
      expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(world.now(), family)));
    }),
    { numRuns: 150 },
  );
});

test('the same through nft commands', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const nft = new FakeNft();
      nft.poison = BAD;
      const { driver } = fakeNftDriver(nft, 'IPv4');
      const sync = syncTo(driver);
      let before: Services = {};
      for (const { services: wanted, distrust } of history) {
        if (distrust) sync.distrust();
        await sync.sync(inputsFor(wanted));
        before = settled(wanted, before);
        const read = await fakeNftDriver(nft, 'IPv4').driver.read();
        expect(plainRules(read)).toEqual(plainRules(rulesFor(inputsFor(before))));
      }
    }),
    { numRuns: 50 },
  );
});
