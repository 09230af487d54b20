import { describe, expect, it, test } from 'vitest';
import type { Batch } from '../../../../src/bench/packets/connector.ts';
import { parseBatches } from '../../../../src/bench/packets/connector.ts';
import type { PacketsOutcome } from '../../../../src/bench/packets/packets.ts';
import { outcomesOf } from '../../../../src/bench/packets/packets.ts';
import type { Position } from '../../../../src/bench/packets/programmed.ts';
import { askedServices } from '../../../../src/bench/packets/programmed.ts';
import { packetsReport } from '../../../../src/bench/packets/report.ts';
import { FRAME } from '../frame.ts';

describe('the answer of the client', () => {
  it('has a batch per target: what all took, and each connection', () => {
    expect(parseBatches('500.0 100.5 99.5;1000.0 20.0')).toEqual([
      { latenciesUs: [100.5, 99.5], perSecond: 4000 },
      { latenciesUs: [20], perSecond: 1000 },
    ]);
  });

  it('is an error when a connection did not come about', () => {
    const refused = 'cannot connect to 10.96.0.1:80: Connection refused';
    expect(() => parseBatches(refused)).toThrow(refused);
  });
});

test.each([
  [1, ['first 0']],
  [2, ['first 0', 'middle 1']],
  [3, ['first 0', 'middle 1', 'last 2']],
  [10_000, ['first 0', 'middle 5000', 'last 9999']],
])('of %d Services none is asked twice', (services, expected) => {
  expect([...askedServices(services)].map(([index, position]) => `${position} ${index}`)).toEqual(expected);
});

const batch = (medianUs: number): Batch => ({ latenciesUs: [1, medianUs, 500], perSecond: 1e6 / medianUs });

describe('outcomes', () => {
  const rounds = new Map<Position, Batch[]>([
    ['direct', [batch(10), batch(100), batch(10)]],
    ['last', [batch(11), batch(120), batch(13)]],
  ]);

  it('compare a batch with the direct one beside it, so that a slow round meets both', () => {
    const [direct, last] = outcomesOf(rounds, { contender: 'nft', services: 5 });
    expect(direct).toMatchObject({ position: 'direct', timesDirect: 1, perSecond: 100_000 });
    expect(last).toMatchObject({ contender: 'nft', services: 5, position: 'last', timesDirect: 1.2 });
  });

  it('summarise all connections', () => {
    const [, last] = outcomesOf(rounds, { contender: 'nft', services: 5 });
    expect(last?.latencyUs).toMatchObject({ count: 9, min: 1, p50: 13, max: 500 });
  });
});

describe('the report', () => {
  const outcome = (services: number, position: Position, timesDirect: number): PacketsOutcome => ({
    contender: 'nft',
    services,
    position,
    latencyUs: { count: 1, min: 20, p50: 20, p90: 20, p99: 20, max: 20 },
    perSecond: 30_000,
    timesDirect,
  });
  const frame = { ...FRAME, runs: 1, rounds: 2, batch: 3 };
  const reportOf = (growth: number) =>
    packetsReport(
      {
        outcomes: [
          outcome(10, 'direct', 1),
          outcome(10, 'last', 1.1),
          outcome(1000, 'direct', 1),
          outcome(1000, 'last', 1.1 * growth),
        ],
        skipped: [{ what: 'ipvs', reason: 'no module' }],
      },
      frame,
    );

  const isMet = (growth: number) =>
    reportOf(growth).targets.every(({ value, atMost }) => value !== null && value <= atMost);

  it('holds nft to connections that cost the same in a large cluster', () => {
    expect(isMet(1.05)).toBe(true);
    expect(reportOf(2).targets).toMatchObject([{ value: 2, unit: 'ratio' }]);
    expect(isMet(2)).toBe(false);
  });

  it('has a row per size and target, with direct as the floor of the charts', () => {
    const { sections, skipped } = reportOf(1);
    expect(skipped).toEqual([{ what: 'ipvs', reason: 'no module' }]);
    const [, nft] = sections;
    expect(nft?.tables[0]?.rows.map(([services, to]) => `${services} ${to}`)).toEqual([
      '10 direct',
      '10 last Service',
      '1000 direct',
      '1000 last Service',
    ]);
    expect(nft?.charts[0]?.series).toMatchObject([
      { name: 'direct', floor: true, points: [{ x: 10, y: 0.02 }, { x: 1000 }] },
      { name: 'last Service' },
    ]);
  });
});
