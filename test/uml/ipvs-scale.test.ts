import { afterEach, expect, test, vi } from 'vitest';
import { summarize } from '../../src/bench/statistics.ts';
import { ChildWatch } from '../../src/bench/sync/child-watch.ts';
import type { Sample } from '../../src/bench/sync/sample.ts';
import { SyncWorld } from '../../src/bench/sync/world.ts';
import { spell } from '../../src/bench/units.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { BACKEND_SETTINGS } from '../support/scenario-settings.ts';
import { emptyIpvsMachine, IPVS_VARIANT, openIpvsNode } from './ipvs-machine.ts';

// It measures what the program costs, and that starts its own.
vi.unmock(import('../../src/kernel/command.ts'));

const { backend } = IPVS_VARIANT;
const SIZE = { services: 2000, endpoints: 4 };
const CONTENDER = {
  name: 'ipvs',
  backend: backend.name,
  settings: { ...BACKEND_SETTINGS, iptablesVariant: 'legacy' },
  usual: SIZE,
} as const;

afterEach(emptyIpvsMachine);

/** What is written, in characters, when one endpoint of one of so many Services is replaced by another. */
async function writtenForOneChange(services: number): Promise<readonly number[]> {
  const all = Array.from({ length: services }, (_, i) => ({
    name: `web-${i}`,
    id: i + 1,
    pods: ['pod-b', 'remote-a'],
  }));
  const node = await openIpvsNode(all);
  await node.sync();
  node.put({ name: 'web-3', id: 4, pods: ['pod-b', 'remote-b'] });
  const reports = await node.sync();
  expect(reports.map(({ full }) => full)).toEqual([false, false]);
  await node.stop();
  await backend.cleanup(systemRunner);
  return reports.map(({ written }) => written);
}

test('what is written for one change does not depend on the number of Services', async () => {
  const few = await writtenForOneChange(5);
  expect(few.every((count) => count > 0)).toBe(true);
  expect(await writtenForOneChange(90)).toEqual(few);
});

async function several(count: number, take: (nth: number) => Promise<Sample>): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  for (let nth = 0; nth < count; nth++) samples.push(await take(nth));
  return samples;
}

function medianOf(samples: readonly Sample[]): string {
  return spell(summarize(samples.map(({ totalMs }) => totalMs)).p50, 'ms');
}

test('2,000 Services of 4 endpoints', async () => {
  const { settings } = CONTENDER;
  await backend.prepare?.(systemRunner, settings);
  const children = new ChildWatch();
  const world = new SyncWorld({ ...SIZE, contender: CONTENDER, seed: 1, runner: systemRunner, children });
  children.open();
  try {
    const cold = await several(2, async () => {
      await world.clear();
      return world.start();
    });
    const restart = await several(3, async () => {
      await world.forget();
      return world.start();
    });
    const change = await several(10, (nth) => world.sync([world.nextChange((nth * 397) % SIZE.services)]));
    expect(restart.map(({ bytes }) => bytes)).toEqual([0, 0, 0]);
    expect(Math.min(...change.map(({ bytes }) => bytes))).toBeGreaterThan(0);
    console.log(
      // For README.md.
      `IPVS, in user-mode Linux, ${SIZE.services.toLocaleString('en-GB')} Services × ${SIZE.endpoints}: first load ${medianOf(cold)}, ` +
        `one endpoint changed ${medianOf(change)}, restart without a change ${medianOf(restart)} (medians, IPv4)`,
    );
  } finally {
    await world.clear();
    children.close();
  }
}, 400_000);
