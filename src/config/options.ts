import type { FieldSpec } from './fields.ts';
import { CONNTRACK_OPTIONS } from './options-conntrack.ts';
import { DNS_OPTIONS } from './options-dns.ts';
import { DNS_FORWARD_OPTIONS } from './options-dns-forward.ts';
import { OWN_OPTIONS } from './options-own.ts';
import { PROCESS_OPTIONS } from './options-process.ts';
import { TRAFFIC_OPTIONS } from './options-traffic.ts';
import type { Parsed, Schema } from './schema.ts';

/** The commands that take options. */
export const COMMANDS = ['run', 'diff', 'render', 'cleanup', 'demo', 'dns', 'dns query'] as const;

export type Command = (typeof COMMANDS)[number];

/** How an option is written: alone (`--x`, `--x=false`), with a value, or with several (`--x a b`, `--x a --x b`). */
export type OptionKind = 'switch' | 'value' | 'list';

export interface Option {
  /** Without the leading dashes. */
  readonly flag: string;
  /** One letter for the same. */
  readonly short?: string;
  /** What kube-proxy calls the same flag. The name of our own then is a setting of our own. */
  readonly alias?: string;
  readonly kind: OptionKind;
  /** What the help calls the value. */
  readonly valueName?: string;
  /** From what the command line or the environment has (text, list of text, true) to what the program uses. */
  readonly schema: Schema;
  /** In the form of the command line. Absent for options that need not have a value. */
  readonly default?: string | boolean | readonly string[] | undefined;
  /** The default in words, where no constant can say it. */
  readonly defaultText?: string;
  readonly description: string;
  readonly commands: readonly Command[];
  /** The commands that cannot do without it. */
  readonly requiredBy?: readonly Command[];
  /** Where it is in a KubeProxyConfiguration. */
  readonly field?: FieldSpec;
  /** With `--config`, kube-proxy's flag does not count. Our own name for it (see `alias`) still does. */
  readonly givesWay?: boolean;
  /** It says what is to be done once, so no file can say it. */
  readonly operation?: true;
  /** What to use instead. */
  readonly deprecated?: string;
}

/** The options by subject, for the help. */
export const OPTION_GROUPS = {
  Options: OWN_OPTIONS,
  Traffic: TRAFFIC_OPTIONS,
  Process: PROCESS_OPTIONS,
  'Connection tracking': CONNTRACK_OPTIONS,
  DNS: DNS_OPTIONS,
  'DNS of other names': DNS_FORWARD_OPTIONS,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Option>>>>;

/**
 * Every option of every command. The command line, its help, the environment, the fields of configuration files and the
 * README's table are made of this.
 */
export const OPTIONS = {
  ...OWN_OPTIONS,
  ...TRAFFIC_OPTIONS,
  ...PROCESS_OPTIONS,
  ...CONNTRACK_OPTIONS,
  ...DNS_OPTIONS,
  ...DNS_FORWARD_OPTIONS,
} as const;

export type OptionKey = keyof typeof OPTIONS;

/** The options with their keys, in the order of the table. */
export const OPTION_ENTRIES = Object.entries(OPTIONS) as readonly [OptionKey, Option][];

type ValueOf<O extends Option> = Parsed<O['schema']> | (O extends { readonly default: {} } ? never : undefined);

/** The parsed value of every option; those that do not apply to the command have their defaults. */
export type OptionValues = { readonly [K in OptionKey]: ValueOf<(typeof OPTIONS)[K]> };
