import { expect, it } from 'vitest';
import { verdictsOf } from '../../../../src/bench/sync/targets.ts';
import { caseResult } from '../../../support/bench-case.ts';

const valueOf = (results: Parameters<typeof verdictsOf>[0], name: string): number | null | undefined =>
  verdictsOf(results).find((verdict) => verdict.name === name)?.value;

it('reads every target off its own case', () => {
  const results = [caseResult({ contender: 'nft', services: 10_000, endpoints: 4 }, 0.6)];
  expect(valueOf(results, 'nft, 10,000 Services × 4 endpoints: cold load, median')).toBe(700);
  expect(valueOf(results, 'nft, 10,000 Services × 4 endpoints: one endpoint changed, median')).toBe(0.6);
  expect(valueOf(results, 'nft, 10,000 Services × 4 endpoints: one endpoint changed, p99')).toBe(6);
});

it('has no value where the case, or the scenario, was not measured', () => {
  const results = [caseResult({ contender: 'nft', services: 10_000, endpoints: 4 }, 0.6)];
  expect(valueOf(results, 'nft, 50,000 Services × 4 endpoints: cold load, median')).toBeNull();
  expect(valueOf(results, 'nft, 10,000 Services × 4 endpoints: burst of 1,000 changes, median')).toBeNull();
  expect(verdictsOf([]).every(({ value }) => value === null)).toBe(true);
});

it('compares a change among many Services with one among few', () => {
  const many = caseResult({ contender: 'nft', services: 100_000, endpoints: 1 }, 0.9);
  const name =
    'nft, 100,000 Services × 1 endpoint: one endpoint changed, median, as a multiple of that with 1,000 Services';
  expect(valueOf([many], name)).toBeNull();
  expect(valueOf([many, caseResult({ contender: 'nft', services: 1000, endpoints: 1 }, 0.6)], name)).toBeCloseTo(1.5);
});

it('knows pauses, memory and the part that is sluice’s own', () => {
  const pause = caseResult({ contender: 'nft', services: 100_000, endpoints: 1 }, 0.6);
  const start = 'nft, 100,000 Services × 1 endpoint: ';
  expect(valueOf([pause], `${start}longest pause for garbage collection while single endpoints change`)).toBe(12);
  expect(valueOf([pause], `${start}sluice’s own part of one change, p99`)).toBe(3);
  const wide = caseResult({ contender: 'nft', services: 50_000, endpoints: 4 }, 0.6);
  expect(valueOf([wide], 'nft, 50,000 Services × 4 endpoints: memory per Service')).toBe(7000);
});
