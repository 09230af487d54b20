import { beforeEach, expect, test } from 'vitest';
import { watchOutlines } from '../../../src/kernel/outlines.ts';
import { OwnProcesses } from '../../../src/kernel/own-processes.ts';
import type { RuleWatch } from '../../../src/kernel/rule-events.ts';
import type { IpFamily } from '../../../src/model/address.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const PERIOD_MS = 30_000;

let clock: FakeClock;
let own: OwnProcesses;
let outlines: Record<IpFamily, string | Error>;
let told: string[];

function open(): RuleWatch {
  return watchOutlines({
    families: ['IPv4', 'IPv6'],
    own,
    clock,
    onForeignWrite: (family) => void told.push(family),
    outline: async (family) => {
      const outline = outlines[family];
      if (outline instanceof Error) throw outline;
      return outline;
    },
  });
}

async function look(): Promise<readonly string[]> {
  await clock.advance(PERIOD_MS);
  return told.splice(0);
}

beforeEach(() => {
  clock = new FakeClock();
  own = new OwnProcesses();
  outlines = { IPv4: 'a', IPv6: 'b' };
  told = [];
});

test('a change is told once, for its family', async () => {
  open();
  expect(await look()).toEqual([]);
  outlines.IPv6 = 'c';
  expect(await look()).toEqual(['IPv6']);
  expect(await look()).toEqual([]);
});

test('after writes of our own nobody knows', async () => {
  open();
  await look();
  own.add(1);
  expect(await look()).toEqual(['IPv4', 'IPv6']);
  expect(await look()).toEqual([]);
});

test('an outline that cannot be had is a suspicion each time, and looking goes on', async () => {
  open();
  await look();
  outlines = { IPv4: new Error('no such tool'), IPv6: '' };
  expect(await look()).toEqual(['IPv4', 'IPv6']);
  expect(await look()).toEqual(['IPv4', 'IPv6']);
  outlines = { IPv4: 'a', IPv6: 'b' };
  expect(await look()).toEqual(['IPv4', 'IPv6']);
  expect(await look()).toEqual([]);
});

test('nothing is told once it has stopped', async () => {
  const watch = open();
  await look();
  outlines.IPv4 = 'c';
  await watch.stop();
  expect(await look()).toEqual([]);
  expect(clock.pendingMs).toEqual([]);
});
