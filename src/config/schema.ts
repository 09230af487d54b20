import * as z from 'zod';
import { parseCidr, parseIpAddress } from '../model/address.ts';
import type { FieldSpec, FieldType } from './fields.ts';
import { judgeGate } from './gates.ts';
import {
  parseDurationMs,
  parseGate,
  parseInteger,
  parseInterfaceName,
  parseListenAddress,
  parseLogLevel,
  parseNumber,
  parseProxyMode,
  parseScheduler,
  parseStubDomains,
} from './values.ts';

/** From what the command line, the environment or a file has to what the program uses. */
export type Schema = z.ZodType;

export type Parsed<S extends Schema> = z.output<S>;

const text = z.string({ error: 'is not text' }).trim().min(1, { error: 'is blank', abort: true });

/** @param judge says why a value that can be parsed is still not good. */
function parsed<T>(parse: (text: string) => T | undefined, what: string, judge?: (value: T) => string | undefined) {
  return z.string({ error: 'is not text' }).transform((input, context): T => {
    const value = parse(input.trim());
    const complaint = value === undefined ? `is not ${what}` : judge?.(value);
    if (value !== undefined && complaint === undefined) return value;
    context.addIssue({ code: 'custom', message: complaint ?? '', input });
    return z.NEVER;
  });
}

/** Several values, or one text with commas, or both. */
function commaList<T>(item: z.ZodType<T>) {
  const split = (input: unknown) =>
    [input].flat().flatMap((part) => (typeof part === 'string' ? part.split(',') : part));
  return z.preprocess((input) => split(input).filter((part) => part !== ''), z.array(item));
}

function single<S extends z.ZodType>(valueName: string, schema: S) {
  return { kind: 'value', valueName, schema } as const;
}

function list<S extends z.ZodType>(valueName: string, schema: S) {
  return { kind: 'list', valueName, schema, default: [] } as const;
}

const DURATION_EXAMPLES = 'a duration such as 500ms, 30s or 1h30m';
const cidr = parsed(parseCidr, 'a network such as 10.244.0.0/16');

/** kube-proxy: networks, or the word `primary` alone. */
const nodePortAddresses = z.preprocess(
  (input) => (String(input).trim() === 'primary' ? 'primary' : input),
  z.union([z.literal('primary'), commaList(cidr)], { error: 'is neither "primary" nor a list of networks' }),
);

const gate = parsed(parseGate, 'a feature gate such as AllowServiceExternalIPs=false', ([name, on]) =>
  judgeGate(name, on),
);

const gates = commaList(gate).transform((pairs): Readonly<Record<string, boolean>> => Object.fromEntries(pairs));

export function choice<const T extends readonly [string, ...string[]]>(valueName: string, words: T) {
  return single(valueName, z.enum(words, { error: `is not one of ${words.join(', ')}` }));
}

/** Any text that is not blank. */
export function word(valueName: string) {
  return single(valueName, text);
}

export function interfaceName(valueName: string) {
  return single(valueName, parsed(parseInterfaceName, 'the name of an interface'));
}

export const SCHEDULER = single('name', parsed(parseScheduler, 'the name of a scheduler such as rr or mh'));

/** A whole number within bounds, these included. */
export function integer(min: number, max: number) {
  return single('n', parsed(parseInteger(min, max), `a number from ${min} to ${max}`));
}

export const SWITCH = {
  kind: 'switch',
  schema: z.union([z.boolean(), z.stringbool({ truthy: ['true', 't', '1'], falsy: ['false', 'f', '0'] })], {
    error: 'is neither true nor false',
  }),
  default: false,
} as const;

export const PATHS = list(
  'path',
  z.preprocess((input) => [input].flat(), z.array(text)),
);
export const CIDRS = list('cidr', commaList(cidr));
export const IP = single('ip', parsed(parseIpAddress, 'an IP address'));
export const IPS = list('ip', commaList(parsed(parseIpAddress, 'an IP address')));
export const NODE_PORT_ADDRESSES = { ...list('cidr', nodePortAddresses), default: undefined } as const;

/** In milliseconds, 0 or more. */
export const DURATION = single(
  'duration',
  parsed(parseDurationMs, DURATION_EXAMPLES, (ms) => (ms < 0 ? 'is negative' : undefined)),
);

/** In milliseconds, more than 0. */
export const POSITIVE_DURATION = single(
  'duration',
  parsed(parseDurationMs, DURATION_EXAMPLES, (ms) => (ms > 0 ? undefined : 'is not greater than 0')),
);

export const COUNT = single('n', parsed(parseInteger(0, 2 ** 31 - 1), 'a whole number, 0 or more'));
export const NUMBER = single('n', parsed(parseNumber, 'a number'));
export const GATES = list('name=bool', gates);

const listenAddress = parsed(parseListenAddress, 'an IP address with a port such as 127.0.0.1:10249 or [::1]:10249');

export const LISTEN_ADDRESS = single('ip:port', listenAddress);
export const LISTEN_ADDRESSES = list('ip:port', commaList(listenAddress));
export const WORDS = list('name', commaList(text));

/** One text per zone and server: `corp.example=10.0.0.53:53`. */
export const STUB_DOMAINS = list(
  'zone=ip:port',
  z.preprocess(
    (input) => [input].flat(),
    z
      .array(
        parsed(parseStubDomains, 'a zone with the addresses of its servers such as corp.example=10.0.0.53,10.0.0.54'),
      )
      .transform((zones) => zones.flat()),
  ),
);

export const BACKEND = single(
  'name',
  text.refine((name) => parseProxyMode(name) !== undefined, 'is not one of nft (nftables), iptables, ipvs'),
);

export const LOG_LEVEL = single(
  'level',
  parsed(parseLogLevel, 'debug, info, warn, error, silent or a number as for kube-proxy'),
);

/** The field of KubeProxyConfiguration that an option is in a file; the flag then gives way to a file. */
export function field(path: FieldSpec['path'], type: FieldType, more: Omit<FieldSpec, 'path' | 'type'> = {}) {
  return { field: { path, type, ...more }, givesWay: true } as const;
}
