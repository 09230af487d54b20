import { assertNever, SluiceError } from '../base/errors.ts';
import type { Cell, Unit } from './report/report.ts';

const MISSING = '–';

/** A number for people: three significant digits, in the multiple of the unit that suits its size. */
export function spell(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return MISSING;
  switch (unit) {
    case 'ms':
      return Math.abs(value) >= 1000 ? `${digits(value / 1000)} s` : `${digits(value)} ms`;
    case 'seconds':
      return `${digits(value)} s`;
    case 'bytes':
      return spellBytes(value);
    case 'count':
      return spellCount(value);
    case 'per-second':
      return `${spellCount(value)}/s`;
    case 'ratio':
      return `${digits(value)} ×`;
    case 'percent':
      return `${digits(value)} %`;
    default:
      return assertNever(unit);
  }
}

export function spellCell(cell: Cell, unit: Unit | undefined): string {
  if (cell === null) return MISSING;
  return typeof cell === 'string' || unit === undefined ? String(cell) : spell(cell, unit);
}

/** For an axis: `1`, `10`, `100`, `1k`, `10k`, `1M`. */
export function spellTick(value: number): string {
  for (const [letter, size] of LETTERS) {
    if (Math.abs(value) >= size) return `${plain(value / size)}${letter}`;
  }
  return plain(value);
}

/** Reads `1k,5k,20000`. @throws {SluiceError} `bad-config`, with the name of the option. */
export function parseCounts(text: string, option: string): readonly number[] {
  return text.split(',').map((part) => {
    const [, number, letter = ''] = /^(\d+)([kM]?)$/.exec(part.trim()) ?? [];
    const count = Number(number) * (LETTERS.find(([one]) => one === letter)?.[1] ?? 1);
    if (Number.isSafeInteger(count) && count > 0) return count;
    throw new SluiceError({
      code: 'bad-config',
      message: `--${option}: "${part}" is not a positive whole number`,
      hint: 'numbers are separated by commas; 5k is 5000, 1M is 1000000',
    });
  });
}

/** Reads one whole number that is at least `least`. @throws {SluiceError} `bad-config`, with the name of the option. */
export function parseWhole(text: string, option: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new SluiceError({
    code: 'bad-config',
    message: `--${option}: "${text}" is not a whole number from ${least} on`,
  });
}

const LETTERS = [
  ['M', 1_000_000],
  ['k', 1000],
] as const;

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB'] as const;

function spellBytes(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${digits(bytes / 1000 ** power)} ${BYTE_UNITS[power]}`;
}

function spellCount(value: number): string {
  return value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString('en-GB') : digits(value);
}

/** Three significant digits, never an exponent. */
function digits(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : plain(Number(value.toPrecision(3)));
}

/** Without an exponent and without trailing zeros. */
function plain(value: number): string {
  if (value === 0) return '0';
  const text = value.toFixed(Math.max(0, Math.min(12, 2 - Math.floor(Math.log10(Math.abs(value))))));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
