import { isDeepStrictEqual } from 'node:util';
import type { LogLevel } from '../base/log.ts';
import type { ListenAddress, ProxyMode } from './values.ts';
import { durationText, listenAddressText, parseDurationMs, verbosityOf } from './values.ts';

/** What the command line would have for a value: a word, a switch, or several words. */
export type RawValue = string | boolean | readonly string[];

/** A wrong type: where in the value (`[1]`, `.WinDSR`), what is there, and what is wrong with it. */
export interface TypeProblem {
  readonly at: string;
  readonly value: unknown;
  readonly reason: string;
}

/** How a type of Go looks in JSON, on the command line and in the program. */
interface FieldCodec {
  /** From JSON other than null. */
  readonly read: (json: unknown) => RawValue | TypeProblem;
  /** Is it Go's zero value, which means "not set" unless the field is a pointer? Takes what `read` can read. */
  readonly isZero: (json: unknown) => boolean;
  /** From what the option's schema gives, `undefined` included. */
  readonly write: (value: unknown) => unknown;
}

function wrong(value: unknown, reason: string, at = ''): TypeProblem {
  return { at, value, reason };
}

export function isTypeProblem(read: RawValue | TypeProblem): read is TypeProblem {
  return typeof read === 'object' && 'reason' in read;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function integerReader(min: number, max: number): FieldCodec['read'] {
  return (json) => {
    if (typeof json !== 'number' || !Number.isInteger(json)) return wrong(json, 'is not a whole number');
    return json < min || json > max ? wrong(json, `is not between ${min} and ${max}`) : String(json);
  };
}

function readText(json: unknown): string | TypeProblem {
  return typeof json === 'string' ? json : wrong(json, 'is not text (numbers need quotes)');
}

function readDuration(json: unknown): string | TypeProblem {
  const good = typeof json === 'string' && parseDurationMs(json) !== undefined;
  return good ? json : wrong(json, 'is not a duration such as 500ms, 30s or 1h30m');
}

function readTexts(json: unknown): readonly string[] | TypeProblem {
  if (!Array.isArray(json)) return wrong(json, 'is not a list');
  const items: readonly unknown[] = json.map((item: unknown) => item ?? '');
  const bad = items.findIndex((item) => typeof item !== 'string');
  return bad < 0 ? items.map(String) : wrong(items[bad], 'is not text', `[${bad}]`);
}

function readGates(json: unknown): readonly string[] | TypeProblem {
  if (!isObject(json)) return wrong(json, 'is not a map');
  const bad = Object.entries(json).find(([, on]) => typeof on !== 'boolean');
  if (bad !== undefined) return wrong(bad[1], 'is neither true nor false', `.${bad[0]}`);
  return Object.entries(json).map(([name, on]) => `${name}=${String(on)}`);
}

/** `logging.vmodule`. */
function readModules(json: unknown): readonly string[] | TypeProblem {
  if (!Array.isArray(json)) return wrong(json, 'is not a list');
  const items: readonly unknown[] = json;
  const bad = items.findIndex(
    (item) => !isObject(item) || typeof item['filePattern'] !== 'string' || !Number.isInteger(item['verbosity']),
  );
  return bad < 0
    ? items.map((item) => JSON.stringify(item))
    : wrong(items[bad], 'has no filePattern and verbosity', `[${bad}]`);
}

function isZero(zero: unknown): FieldCodec['isZero'] {
  return (json) => isDeepStrictEqual(json, zero);
}

const asIs = (value: unknown): unknown => value;
const asText = (value: unknown): unknown => value ?? '';
const asList = (value: unknown): unknown[] => [value ?? []].flat();

const INT32_MAX = 2 ** 31 - 1;
const UINT32_MAX = 2 ** 32 - 1;

/** The types of the fields of KubeProxyConfiguration, and one for settings of our own. */
const FIELD_TYPES = {
  bool: {
    read: (json) => (typeof json === 'boolean' ? json : wrong(json, 'is neither true nor false')),
    isZero: isZero(false),
    write: asIs,
  },
  int32: { read: integerReader(-INT32_MAX - 1, INT32_MAX), isZero: isZero(0), write: asIs },
  float32: {
    read: (json) => (typeof json === 'number' && Number.isFinite(json) ? String(json) : wrong(json, 'is not a number')),
    isZero: isZero(0),
    write: asIs,
  },
  text: { read: readText, isZero: isZero(''), write: asText },
  texts: { read: readTexts, isZero: isZero([]), write: asList },
  /** Several items in one text, with commas. */
  commaText: {
    read: (json) => {
      const text = readText(json);
      return typeof text === 'string' ? [text] : text;
    },
    isZero: isZero(''),
    write: (value) => asList(value).join(','),
  },
  duration: {
    read: readDuration,
    isZero: (json) => parseDurationMs(String(json)) === 0,
    write: (value) => durationText(Number(value ?? 0)),
  },
  /** A duration, or nanoseconds as a number. */
  nanoseconds: {
    read: (json) => (Number.isInteger(json) ? `${String(json)}ns` : readDuration(json)),
    isZero: (json) => json === 0 || parseDurationMs(String(json)) === 0,
    write: asIs,
  },
  gates: { read: readGates, isZero: isZero({}), write: asIs },
  /** An empty one means iptables. */
  mode: {
    read: (json) => {
      const word = readText(json);
      const known = typeof word !== 'string' || ['', 'iptables', 'ipvs', 'nftables'].includes(word);
      return known ? word : wrong(json, 'is not one of iptables, ipvs, nftables');
    },
    isZero: isZero(''),
    write: asIs,
  },
  verbosity: {
    read: integerReader(0, UINT32_MAX),
    isZero: isZero(0),
    write: (value) => verbosityOf(value as LogLevel),
  },
  address: {
    read: readText,
    isZero: isZero(''),
    write: (value) => (value === undefined ? '' : listenAddressText(value as ListenAddress)),
  },
  modules: { read: readModules, isZero: isZero([]), write: asIs },
  /** Text or a number. */
  scalar: {
    read: (json) => (typeof json === 'number' ? String(json) : readText(json)),
    isZero: (json) => Number(json) === 0,
    write: asIs,
  },
} as const satisfies Readonly<Record<string, FieldCodec>>;

export type FieldType = keyof typeof FIELD_TYPES;

export interface FieldSpec {
  /** `conntrack.maxPerCore`; one per mode where a mode has fields of its own, or none. */
  readonly path: string | Readonly<Partial<Record<ProxyMode, string>>>;
  readonly type: FieldType;
  /** Zero is a value, and only null means "not set" (a pointer in Go). */
  readonly zeroCounts?: boolean;
  /** What a file says in which the field is not set, where that is not the option's default. */
  readonly unset?: string;
}

/** The codec of a type. */
export function codecOf(type: FieldType): FieldCodec {
  return FIELD_TYPES[type];
}

/** The field that counts in a mode. */
export function pathIn(mode: ProxyMode, { path }: FieldSpec): string | undefined {
  return typeof path === 'string' ? path : path[mode];
}
