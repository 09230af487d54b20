import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Axis } from '../../../../src/bench/report/report.ts';
import { scaleFor } from '../../../../src/bench/report/scale.ts';

const ticksOf = (scale: Axis['scale'], values: readonly number[]): readonly number[] =>
  scaleFor({ scale }, values, [0, 100]).ticks;

describe('logarithmic', () => {
  it.each([
    ['few decades: 1, 2, 5', [1000, 2000, 5000, 10_000], [1000, 2000, 5000, 10_000]],
    ['many: powers of ten', [0.3, 40, 2000], [0.1, 1, 10, 100, 1000, 10_000]],
    ['fractions without rounding errors', [0.0011, 0.0019], [0.001, 0.002]],
    ['one value', [5], [5, 10]],
    ['nothing', [], [1, 2, 5, 10]],
  ])('%s', (_name, values, ticks) => {
    expect(ticksOf('log', values)).toEqual(ticks);
  });

  it('puts each decade at the same distance, and zero nowhere', () => {
    const { at } = scaleFor({ scale: 'log' }, [1, 1000], [0, 300]);
    expect([at(1), at(10), at(1000)].map((position) => Math.round(position ?? Number.NaN))).toEqual([0, 100, 300]);
    expect([at(0), at(-1), at(Number.NaN)]).toEqual([undefined, undefined, undefined]);
  });
});

describe('linear', () => {
  it.each([
    ['from zero to a round value', [3, 97], [0, 20, 40, 60, 80, 100]],
    ['small values', [0.03], [0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03]],
    ['nothing but zero', [0], [0, 0.2, 0.4, 0.6, 0.8, 1]],
  ])('%s', (_name, values, ticks) => {
    expect(ticksOf('linear', values).map((tick) => Number(tick.toPrecision(6)))).toEqual(ticks);
  });

  it('may run upwards, as SVG has it', () => {
    const { at } = scaleFor({ scale: 'linear' }, [10], [200, 0]);
    expect([at(0), at(10)]).toEqual([200, 0]);
  });
});

it('has room for every value, in both kinds, in order, with few ticks', () => {
  const value = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom<Axis['scale']>('linear', 'log'), fc.array(value, { minLength: 1 }), (scale, values) => {
      const { at, ticks } = scaleFor({ scale }, values, [0, 100]);
      const positions = values.toSorted((a, b) => a - b).map((one) => at(one) ?? Number.NaN);
      for (const position of positions) {
        expect(position).toBeGreaterThan(-0.001);
        expect(position).toBeLessThan(100.001);
      }
      expect(positions).toEqual(positions.toSorted((a, b) => a - b));
      expect(ticks).toEqual(ticks.toSorted((a, b) => a - b));
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks.length).toBeLessThan(18);
    }),
  );
});
