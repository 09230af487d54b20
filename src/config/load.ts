import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SluiceError } from '../base/errors.ts';
import { idlePortOptions } from './derive.ts';
import type { ConfigFile } from './file.ts';
import { decodeConfigFile, fieldsLayer, modeOf, settingsLayer } from './file.ts';
import { gatesWithoutEffect } from './gates.ts';
import type { Command } from './options.ts';
import { OPTION_ENTRIES, OPTIONS } from './options.ts';
import type { UnusedOption } from './options-unused.ts';
import { UNUSED_OPTIONS } from './options-unused.ts';
import type { Config, Layer } from './resolve.ts';
import { environmentLayer, flagLayer, isGiven, resolveOptions, yieldingFlags } from './resolve.ts';

export interface ConfigSources {
  readonly command: Command;
  /** By flag without dashes, as far as flags were given; those of {@link UNUSED_OPTIONS} too. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What was given and does nothing, one line each; the reader can do something about every one of them. */
  readonly warnings: readonly string[];
}

/**
 * Puts together what a command was told: flags, then variables, then the SluiceConfiguration of the file, then its
 * KubeProxyConfiguration, then defaults. With a file, flags of kube-proxy that give way to one do not count.
 *
 * @throws {SluiceError} `bad-config` that names every problem; `file-unreadable`.
 */
export async function loadConfig({ command, flags, env }: ConfigSources): Promise<LoadedConfig> {
  const given = [flagLayer(flags), environmentLayer(env)];
  const path = fileNamedBy(given, command);
  if (path === undefined) {
    const config = resolveOptions(command, given);
    return { config, warnings: [...deprecations(flags, false), ...idleness(config, flags)] };
  }
  const text = await readConfigFile(path);
  const file = decodeConfigFile(text, path);
  const layers = [flagLayer(flags, true), environmentLayer(env), settingsLayer(file), fieldsLayer(file)];
  const resolved = resolveOptions(command, layers, { mode: modeOf(file), problems: file.problems });
  const config = { ...resolved, configFile: { path, digest: digestOf(text) } };
  const lenience =
    file.ignored.length === 0 ? [] : [`${path}: strict decoding failed, ignored: ${file.ignored.join('; ')}`];
  return {
    config,
    warnings: [...lenience, ...yielding(flags, path), ...deprecations(flags, true), ...idleness(config, flags, file)],
  };
}

/** Tells two contents of a file apart. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function fileNamedBy(layers: readonly Layer[], command: Command): string | undefined {
  if (!(OPTIONS.config.commands as readonly Command[]).includes(command)) return undefined;
  const path = layers.map((layer) => layer.valueOf(OPTIONS.config)).find((value) => value !== undefined);
  return typeof path === 'string' ? path.trim() : undefined;
}

async function readConfigFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw new SluiceError({
      code: 'file-unreadable',
      message: `the configuration file ${path} cannot be read: ${code}`,
      hint: 'see that --config names a file and that it can be read',
      cause,
    });
  }
}

/** Flags that the file makes void. */
function yielding(flags: ConfigSources['flags'], path: string): readonly string[] {
  const idle = OPTION_ENTRIES.flatMap(([, option]) => yieldingFlags(option)).filter((flag) => isGiven(flags[flag]));
  if (idle.length === 0) return [];
  const names = idle.map((flag) => `--${flag}`).join(', ');
  return [
    `${names}: without effect because of --config, as in kube-proxy; set this in ${path} or with SLUICE_ variables`,
  ];
}

function deprecations(flags: ConfigSources['flags'], withFile: boolean): readonly string[] {
  return OPTION_ENTRIES.flatMap(([, { flag, deprecated, givesWay }]) => {
    const counts = isGiven(flags[flag]) && !(withFile && givesWay === true);
    return deprecated !== undefined && counts ? [`--${flag} is deprecated: ${deprecated}`] : [];
  });
}

/** What kube-proxy would understand and sluice does nothing about, in one line. */
function idleness(config: Config, flags: ConfigSources['flags'], file?: ConfigFile): readonly string[] {
  const idle: readonly (readonly [reason: string, name: string])[] = [
    ...UNUSED_OPTIONS.flatMap((option) => namesOf(option, flags, file).map((name) => [option.reason, name] as const)),
    ...gatesWithoutEffect(config.featureGates).map((name) => ['not in sluice', `feature gate ${name}`] as const),
    ...idlePortOptions(config).map((key) => ['the address has a port', `--${OPTIONS[key].flag}`] as const),
  ];
  if (idle.length === 0) return [];
  const reasons = Map.groupBy(idle, ([reason]) => reason);
  const texts = Array.from(reasons, ([reason, items]) => `${items.map(([, name]) => name).join(', ')} (${reason})`);
  return [`without effect: ${texts.join('; ')}`];
}

/** Under which names an option was given that is worth a word. */
function namesOf(
  { flag, field, unremarkable = [] }: UnusedOption,
  flags: ConfigSources['flags'],
  file: ConfigFile | undefined,
): readonly string[] {
  const remarkable = (value: unknown) => isGiven(value) && !['false', ...unremarkable].includes(String(value));
  const path = field?.path ?? '';
  const inFile = file?.fields.get(path);
  return [
    ...(flag !== undefined && remarkable(flags[flag]) ? [`--${flag}`] : []),
    ...(inFile !== undefined && !inFile.zero && remarkable(inFile.raw) ? [path] : []),
  ];
}
