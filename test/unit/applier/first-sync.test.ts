import { describe, expect, test } from 'vitest';
import type { FlowCleaner } from '../../../src/applier/family-sync.ts';
import { FamilySync } from '../../../src/applier/family-sync.ts';
import type { Driver } from '../../../src/backend/contract.ts';
import { nftSpelling } from '../../../src/backend/nft/render.ts';
import type { RuleSet } from '../../../src/backend/rules.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeDriver } from '../../support/fake-driver.ts';
import { chain, plainRules } from '../../support/rule-sets.ts';
import { BAD, BAD_ENDPOINT, inputsFor, keyOf, rulesFor } from '../../support/sync-inputs.ts';

/** Likes slices of one Service, then two, then two. */
class SlicingDriver extends FakeDriver {
  readonly slices: NonNullable<Driver['slices']> = {
    first: 1,
    most: 2,
    prepare: (change, wanted) => {
      this.events.push('spelled');
      return async () => {
        this.events.push('begun');
        const size = await this.apply(change, wanted);
        this.events.push('done');
        return size;
      };
    },
  };
  readonly events: string[] = [];
  /** After every change, of which Services there are rules. */
  readonly served: (readonly number[])[] = [];

  override onApplied = (rules: RuleSet): void => {
    const ips = rules.get('set cluster-ips');
    const members = ips === undefined || ips.ordered ? [] : [...ips.members.keys()];
    this.served.push(members.map((ip) => Number(ip.split('.')[3])).sort((a, b) => a - b));
  };
}

const FIVE = { 1: ['10.1.0.1'], 2: ['10.1.0.2'], 3: ['10.1.0.3', '10.1.0.4'], 4: [], 5: ['10.1.0.5'] };

const FOREIGN = { 'table kube-proxy': chain([]) };

function start(driver = new SlicingDriver(), flows?: FlowCleaner) {
  const parts = flows === undefined ? {} : { flows };
  const sync = new FamilySync({ family: 'IPv4', driver, spelling: nftSpelling, clock: new FakeClock(), ...parts });
  return { driver, sync };
}

function put(driver: FakeDriver, foreign: typeof FOREIGN): void {
  for (const [id, object] of Object.entries(foreign)) driver.rules = driver.rules.set(id, object);
}

describe('where nothing of ours is in the kernel', () => {
  test('some Services are served before others are written, and in the end all of them', async () => {
    const { driver, sync } = start();
    const report = await sync.sync(inputsFor(FIVE));
    expect(driver.served).toEqual([[1], [1, 2, 3], [1, 2, 3, 4, 5]]);
    expect(report).toMatchObject({ services: 5, full: true, overlapped: true, refused: [] });
    expect(report.changes).toBe(
      driver.applied.reduce((sum, { objects, members }) => sum + objects.length + members.length, 0),
    );
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(FIVE))));
    expect([driver.reads, plainRules(report.rules)]).toEqual([1, plainRules(driver.rules)]);
  });

  test('one slice is spelled while the one before is written, which is never more than one', async () => {
    const { driver, sync } = start();
    await sync.sync(inputsFor(FIVE));
    const slice = ['spelled', 'done', 'begun'];
    expect(driver.events).toEqual(['spelled', 'begun', ...slice, ...slice, 'done']);
  });

  test('what comes after is one change again', async () => {
    const { driver, sync } = start();
    await sync.sync(inputsFor(FIVE));
    driver.applied.length = 0;
    const next = inputsFor({ ...FIVE, 1: ['10.1.0.9'], 6: ['10.1.0.6'], 7: ['10.1.0.7'] });
    expect(await sync.sync(next)).toMatchObject({ full: false, overlapped: false, services: 7 });
    expect([driver.reads, driver.applied.length]).toEqual([1, 1]);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(next)));
  });

  test.each([1, 2, 3, 4, 5])('Service %i is refused: it is left out, and all others are written', async (culprit) => {
    const { driver, sync } = start();
    driver.poison = BAD;
    const { [culprit as 1]: _, ...others } = FIVE;
    const report = await sync.sync(inputsFor({ ...FIVE, [culprit]: [BAD_ENDPOINT] }));
    expect(report.refused.map(({ key }) => key)).toEqual([keyOf(culprit)]);
    expect(sync.quarantined).toEqual([keyOf(culprit)]);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(others))));
  });

  test('nobody is blamed for what is no Service, and nothing stays', async () => {
    const { driver, sync } = start();
    driver.poison = /jump masquerading/;
    await expect(sync.sync(inputsFor(FIVE))).rejects.toMatchObject({ code: 'kernel-refused' });
    expect([sync.quarantined, driver.rules.size]).toEqual([[], 0]);
  });

  test('the tool fails half way: what is in stays in, and the next sync writes the rest', async () => {
    const { driver, sync } = start();
    driver.onApplied = () => {
      if (driver.applied.length === 2) driver.failures.push(new SluiceError({ code: 'command-failed', message: 'no' }));
    };
    await expect(sync.sync(inputsFor(FIVE))).rejects.toMatchObject({ code: 'command-failed' });
    expect(driver.applied).toHaveLength(2);
    sync.distrust();
    await sync.sync(inputsFor(FIVE));
    expect(driver.applied).toHaveLength(3);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(FIVE))));
  });

  test('stale flows are looked for once all is written, of every Service', async () => {
    const noted: number[] = [];
    const cleaned: number[] = [];
    const flows: FlowCleaner = {
      note: ({ plan }) => void noted.push(plan.services.size),
      clean: async () => {
        cleaned.push(driver.applied.length);
        return { deleted: 0, ms: 0 };
      },
    };
    const { driver, sync } = start(new SlicingDriver(), flows);
    await sync.sync(inputsFor(FIVE));
    expect([noted, cleaned]).toEqual([[1, 3, 5], [3]]);
  });
});

describe('where another proxy has rules', () => {
  test.each([{}, { 2: [BAD_ENDPOINT] }])('they stay until every Service is written: %j', async (bad) => {
    const { driver, sync } = start();
    put(driver, FOREIGN);
    driver.poison = BAD;
    const others: boolean[] = [];
    const look = driver.onApplied;
    driver.onApplied = (rules) => {
      look(rules);
      others.push(rules.has('table kube-proxy'));
    };
    await sync.sync(inputsFor({ ...FIVE, ...bad }));
    expect(others.indexOf(false)).toBe(others.length - 1);
    expect(driver.served.at(-2)).toEqual(driver.served.at(-1));
    expect(driver.served.at(-1)).toHaveLength('2' in bad ? 4 : 5);
  });
});

describe('where rules of ours are in place', () => {
  async function inPlace(services: Parameters<typeof inputsFor>[0]) {
    const { driver, sync } = start();
    await sync.sync(inputsFor(services));
    driver.applied.length = 0;
    driver.events.length = 0;
    return start(driver);
  }

  test('nothing is written when they are right', async () => {
    const { driver, sync } = await inPlace(FIVE);
    expect(await sync.sync(inputsFor(FIVE))).toMatchObject({ changes: 0, full: true });
    expect(driver.applied).toEqual([]);
  });

  test('what differs is one change', async () => {
    const { driver, sync } = await inPlace(FIVE);
    const next = inputsFor({ ...FIVE, 5: [], 6: ['10.1.0.6'] });
    await sync.sync(next);
    expect(driver.events).toEqual(['spelled', 'begun', 'done']);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(next)));
  });

  test('another proxy’s go with what differs', async () => {
    const { driver, sync } = await inPlace(FIVE);
    put(driver, FOREIGN);
    await sync.sync(inputsFor(FIVE));
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(FIVE))));
  });

  test('they cannot be read: nothing is written, and the next sync tries again', async () => {
    const { driver, sync } = await inPlace(FIVE);
    driver.failures.push(new SluiceError({ code: 'rules-unreadable', message: 'no' }));
    await expect(sync.sync(inputsFor({}))).rejects.toMatchObject({ code: 'rules-unreadable' });
    expect(driver.applied).toEqual([]);
    await sync.sync(inputsFor({}));
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor({}))));
  });
});
