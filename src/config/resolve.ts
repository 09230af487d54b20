import type { Derived, NameOf } from './derive.ts';
import { derive } from './derive.ts';
import type { Command, Option, OptionKey, OptionValues } from './options.ts';
import { OPTION_ENTRIES, OPTIONS } from './options.ts';
import type { OptionProblem } from './problems.ts';
import { badConfig } from './problems.ts';
import type { ProxyMode } from './values.ts';

/** A place that options come from. */
export interface Layer {
  /** What is given for an option; `undefined` when nothing is. */
  valueOf(option: Option): unknown;
  /** What the place calls the option, for messages. */
  nameOf(option: Option): string;
}

/** Everything that was configured, parsed and checked as a whole. */
export interface Config extends OptionValues, Derived {
  /** The file that it comes from, and a digest of what it held then, for `ConfigFileWatcher`. */
  readonly configFile?: { readonly path: string; readonly digest: string };
}

/** Empty values count as absent, as they do for kube-proxy: `--kubeconfig=`. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== '' && !(Array.isArray(value) && value.every((item) => item === ''));
}

/** The spellings of an option that do not count when there is a file. */
export function yieldingFlags({ flag, alias, givesWay }: Option): readonly string[] {
  return givesWay === true ? [alias ?? flag] : [];
}

/**
 * @param values by flag without dashes (`cluster-cidr`), as far as flags were given.
 * @param withFile leave out the flags that give way to a file.
 */
export function flagLayer(values: Readonly<Record<string, unknown>>, withFile = false): Layer {
  const spellingOf = (option: Option) =>
    [option.flag, option.alias].find(
      (flag) => flag !== undefined && isGiven(values[flag]) && !(withFile && yieldingFlags(option).includes(flag)),
    );
  return {
    valueOf: (option) => values[spellingOf(option) ?? ''],
    nameOf: (option) => `--${spellingOf(option) ?? option.flag}`,
  };
}

/** The variable for an option: `SLUICE_CLUSTER_CIDR`. */
export function variableOf(option: Option): string {
  return `SLUICE_${option.flag.toUpperCase().replaceAll('-', '_')}`;
}

/** Empty variables count as absent. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  return {
    valueOf: (option) => env[variableOf(option)] || undefined,
    nameOf: variableOf,
  };
}

/** What a file says besides its values. */
export interface FileFacts {
  readonly mode: ProxyMode;
  /** What is wrong with it. */
  readonly problems: readonly OptionProblem[];
}

/**
 * The configuration of a command: for every option what the first layer says that has it, else its default.
 *
 * @throws {SluiceError} `bad-config` that names every problem, not just the first; they are in `data.problems`.
 */
export function resolveOptions(command: Command, layers: readonly Layer[], file?: FileFacts): Config {
  const problems = [...(file?.problems ?? [])];
  const resolver = new Resolver(command, layers, problems);
  const values: Partial<Record<OptionKey, unknown>> = {};
  for (const [key, option] of OPTION_ENTRIES) values[key] = resolver.resolve(key, option);
  const hint = `see sluice ${command} --help`;
  if (problems.length > 0) throw badConfig(problems, hint);
  // Every key of OPTIONS was parsed with the schema that the type is made of.
  const parsed = values as OptionValues;
  const derived = derive({ values: parsed, fileMode: file?.mode, nameOf: resolver.nameOf, problems });
  if (derived === undefined) throw badConfig(problems, hint);
  return { ...parsed, ...derived };
}

/** Resolves options one by one, and remembers where each came from. */
class Resolver {
  readonly #command: Command;
  readonly #layers: readonly Layer[];
  readonly #problems: OptionProblem[];
  readonly #origins = new Map<OptionKey, Layer>();

  constructor(command: Command, layers: readonly Layer[], problems: OptionProblem[]) {
    this.#command = command;
    this.#layers = layers;
    this.#problems = problems;
  }

  readonly nameOf: NameOf = (key, from = key) => {
    const option: Option = OPTIONS[key];
    return this.#origins.get(from)?.nameOf(option) ?? `--${option.flag}`;
  };

  resolve(key: OptionKey, option: Option): unknown {
    const layer = option.commands.includes(this.#command)
      ? this.#layers.find((candidate) => candidate.valueOf(option) !== undefined)
      : undefined;
    if (layer !== undefined) this.#origins.set(key, layer);
    const name = this.nameOf(key);
    const raw = layer?.valueOf(option) ?? option.default;
    if (layer === undefined && option.requiredBy?.includes(this.#command) === true) {
      this.#problems.push({ option: name, reason: 'is needed' });
    }
    if (raw === undefined) return undefined;
    const result = option.schema.safeParse(raw, { reportInput: true });
    for (const issue of result.error?.issues ?? []) {
      this.#problems.push({ option: name, value: issue.input ?? raw, reason: issue.message });
    }
    return result.data;
  }
}
