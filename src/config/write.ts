import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../base/errors.ts';
import { yamlText } from '../base/yaml.ts';
import { codecOf, pathIn } from './fields.ts';
import { KUBE_PROXY_KIND, SLUICE_KIND, settingOf } from './file.ts';
import type { Option, OptionKey } from './options.ts';
import { OPTION_ENTRIES } from './options.ts';
import type { Config } from './resolve.ts';
import { durationText } from './values.ts';

type Json = Record<string, unknown>;

/**
 * The effective configuration as a KubeProxyConfiguration, for `/configz` and for a way back to kube-proxy: every field
 * that sluice honours, those of other modes left out. Periods that nobody set are `0s`: the default of whoever reads it.
 * The mode is kube-proxy's; where a file's was overridden, the SluiceConfiguration that {@link configText} adds has the backend.
 */
export function kubeProxyConfiguration(config: Config): Readonly<Record<string, unknown>> {
  const document: Json = { ...KUBE_PROXY_KIND };
  for (const [key, { field }] of OPTION_ENTRIES) {
    const path = field && pathIn(config.optionsMode, field);
    if (field === undefined || path === undefined) continue;
    setAt(document, path.split('.'), codecOf(field.type).write(effective(config, key)));
  }
  return document;
}

/** What a KubeProxyConfiguration cannot say: our own settings, as far as they differ from their defaults. */
function sluiceConfiguration(config: Config): Readonly<Record<string, unknown>> {
  const settings = OPTION_ENTRIES.flatMap(([key, option]) => {
    const name = settingOf(option)?.name;
    const value: unknown = config[key];
    if (name === undefined || value === undefined || isSaidBy(option, value, effective(config, key))) return [];
    return [[name, key.endsWith('Ms') ? durationText(Number(value)) : value] as const];
  });
  return settings.length === 0 ? {} : { ...SLUICE_KIND, ...Object.fromEntries(settings) };
}

/** The flags of `run` with their effective values, under our names and kube-proxy's, for `/flagz`. */
export function effectiveFlags(config: Config): Readonly<Record<string, string>> {
  const flags = OPTION_ENTRIES.filter(([, { commands }]) => commands.includes('run')).flatMap(([key, option]) => {
    const { flag, alias, field } = option;
    const value = key === 'backend' ? (config.backend ?? config.proxyMode) : effective(config, key);
    const own = [flag, textOf(key, value)] as const;
    if (alias === undefined || field === undefined) return [own];
    const said = key === 'backend' ? config.proxyMode : codecOf(field.type).write(value);
    return [own, [alias, String(said)] as const];
  });
  return Object.fromEntries(flags);
}

/** Both documents, as `--config` takes them: loading this gives the same configuration again. */
export function configText(config: Config): string {
  const own = sluiceConfiguration(config);
  const documents = [kubeProxyConfiguration(config), ...(Object.keys(own).length === 0 ? [] : [own])];
  return documents.map(yamlText).join('---\n');
}

/** @throws {SluiceError} `bad-config` when the file cannot be written. */
export async function writeConfig(config: Config, path: string): Promise<void> {
  try {
    await writeFile(path, configText(config));
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw new SluiceError({
      code: 'bad-config',
      message: `the configuration cannot be written to ${path}: ${code}`,
      hint: 'see that --write-config-to names a file in a folder that can be written to',
      cause,
    });
  }
}

/** The value of an option, completed where what follows from it is more telling. */
function effective(config: Config, key: OptionKey): unknown {
  if (key === 'backend') return config.optionsMode;
  if (key === 'healthzBindAddress') return config.healthzAddress;
  if (key === 'metricsBindAddress') return config.metricsAddress;
  return config[key];
}

/** Does a reader learn the value without a setting of our own: from the field, or because it is the default? */
function isSaidBy({ schema, field, default: fallback }: Option, value: unknown, written: unknown): boolean {
  const said = field === undefined ? fallback : codecOf(field.type).read(codecOf(field.type).write(written));
  return said !== undefined && isDeepStrictEqual(value, schema.safeParse(said).data);
}

function textOf(key: OptionKey, value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'number' && key.endsWith('Ms')) return durationText(value);
  if (key === 'healthzBindAddress' || key === 'metricsBindAddress') return String(codecOf('address').write(value));
  if (key === 'featureGates') return (codecOf('gates').read(value) as readonly string[]).join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function setAt(document: Json, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) document[first] = value;
  else setAt((document[first] ??= {}) as Json, rest, value);
}
