import { describe, expect, it } from 'vitest';
import type { Unit } from '../../../src/bench/report/report.ts';
import { parseCounts, parseWhole, spell, spellCell, spellTick } from '../../../src/bench/units.ts';

describe('spell', () => {
  const cases: readonly [number, Unit, string][] = [
    [0, 'ms', '0 ms'],
    [0.0042, 'ms', '0.0042 ms'],
    [0.61, 'ms', '0.61 ms'],
    [12.345, 'ms', '12.3 ms'],
    [123.45, 'ms', '123 ms'],
    [1234, 'ms', '1.23 s'],
    [90_000, 'ms', '90 s'],
    [12, 'bytes', '12 B'],
    [153_400, 'bytes', '153 KB'],
    [2_500_000_000, 'bytes', '2.5 GB'],
    [38, 'count', '38'],
    [1_234_567, 'count', '1,234,567'],
    [2.5, 'count', '2.5'],
    [5321.7, 'per-second', '5,322/s'],
    [1.5, 'ratio', '1.5 ×'],
    [99.96, 'percent', '100 %'],
    [Number.NaN, 'ms', '–'],
  ];
  it.each(cases)('%d as %s is %s', (value, unit, text) => {
    expect(spell(value, unit)).toBe(text);
  });
});

it('shows text as it is, and what is missing as a dash', () => {
  expect([spellCell('nft', undefined), spellCell(null, 'ms'), spellCell(3, undefined)]).toEqual(['nft', '–', '3']);
});

it.each([
  [0.1, '0.1'],
  [20, '20'],
  [1000, '1k'],
  [2500, '2.5k'],
  [5_000_000, '5M'],
])('a tick at %d is %s', (value, text) => {
  expect(spellTick(value)).toBe(text);
});

describe('numbers on the command line', () => {
  it('may have a letter for thousands and millions', () => {
    expect(parseCounts('1k,5000, 20k,1M', 'services')).toEqual([1000, 5000, 20_000, 1_000_000]);
  });

  it.each(['', '0', '-1', '1,', '1.5k', 'k', '1K', 'ten'])('refuses "%s", with the name of the option', (text) => {
    expect(() => parseCounts(text, 'services')).toThrow(/^--services: ".*" is not a positive whole number$/);
  });

  it('may have a least value', () => {
    expect(parseWhole('0', 'seed', 0)).toBe(0);
    expect(() => parseWhole('0', 'runs', 1)).toThrow('--runs: "0" is not a whole number from 1 on');
    expect(() => parseWhole('1e3', 'runs', 1)).toThrow('--runs');
  });
});
