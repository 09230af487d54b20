import { expect, it } from 'vitest';
import { ChildWatch } from '../../../../src/bench/sync/child-watch.ts';
import { ScenarioRecorder } from '../../../../src/bench/sync/recorder.ts';
import { sample } from '../../../support/bench-case.ts';

const recorder = (budgetMs: number): ScenarioRecorder =>
  new ScenarioRecorder({ scenario: 'change', children: new ChildWatch(), budgetMs });

it('takes as many samples as are wanted, with what has to be done before each', async () => {
  const taker = recorder(60_000);
  let prepared = 0;
  const before = async (): Promise<void> => void prepared++;
  await taker.series('change', 5, { before, sample: async () => sample(prepared) });
  expect(taker.outcomes).toMatchObject([
    { scenario: 'change', operation: 'change', total: { count: 5, min: 1, p50: 3, max: 5 } },
  ]);
});

it('stops when the time is up, but not before three', async () => {
  const taker = recorder(0);
  await taker.series('change', 100, { sample: async () => sample(1) });
  await taker.turns(['come', 'go'], 100, [async () => sample(1), async () => sample(2)]);
  expect(taker.outcomes.map(({ operation, total }) => [operation, total.count, total.p50])).toEqual([
    ['change', 3, 1],
    ['come', 3, 1],
    ['go', 3, 2],
  ]);
});

it('tells what a sample did to the process', async () => {
  const taker = recorder(60_000);
  const sampleOf = async (): Promise<ReturnType<typeof sample>> => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const endMs = performance.now() + 60;
    while (performance.now() < endMs);
    return sample(60);
  };
  await taker.series('change', 1, { sample: sampleOf });
  const { stallMs, cpuMs, peakBytes } = taker.strain();
  expect(stallMs).toBeGreaterThan(40);
  expect(cpuMs).toBeGreaterThan(0);
  expect(peakBytes).toBeGreaterThan(10_000_000);
});
