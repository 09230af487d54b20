import type { YamlContent, YamlPath } from '../base/yaml.ts';
import { parseYaml } from '../base/yaml.ts';
import type { FieldSpec, FieldType, RawValue } from './fields.ts';
import { codecOf, isObject, isTypeProblem, pathIn } from './fields.ts';
import type { Option } from './options.ts';
import { OPTION_ENTRIES } from './options.ts';
import { UNUSED_OPTIONS } from './options-unused.ts';
import type { OptionProblem } from './problems.ts';
import type { Layer } from './resolve.ts';
import type { ProxyMode } from './values.ts';
import { PROXY_MODES, parseProxyMode } from './values.ts';

export const KUBE_PROXY_KIND = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' };
export const SLUICE_KIND = { apiVersion: 'sluice.dev/v1alpha1', kind: 'SluiceConfiguration' };

/** What a file says about one field; null is as good as nothing. */
export interface FileValue {
  /** As the command line would have it. */
  readonly raw: RawValue;
  /** Go's zero value, which mostly means "not set". */
  readonly zero: boolean;
  /** Of the file, from 1. */
  readonly line: number;
}

type Values = ReadonlyMap<string, FileValue>;

export interface ConfigFile {
  /** For messages. */
  readonly path: string;
  /** Of the KubeProxyConfiguration, by path: `conntrack.maxPerCore`. */
  readonly fields: Values;
  /** Of the SluiceConfiguration, by name: `takeOver`. */
  readonly settings: Values;
  /** What makes it useless: values of a wrong type, another kind of object. */
  readonly problems: readonly OptionProblem[];
  /** What strict decoding stumbles over, and lenient decoding leaves out. */
  readonly ignored: readonly string[];
}

/** A setting of our own in a SluiceConfiguration: the flag in camel case. `undefined` for options that it cannot have. */
export function settingOf(option: Option): { readonly name: string; readonly type: FieldType } | undefined {
  const own = option.field === undefined || option.alias !== undefined;
  if (!own || option.operation === true || !option.commands.includes('run')) return undefined;
  const name = option.flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  return { name, type: ({ switch: 'bool', list: 'texts', value: 'scalar' } as const)[option.kind] };
}

const FIELDS: ReadonlyMap<string, FieldType> = new Map(
  [...OPTION_ENTRIES.map(([, option]) => option), ...UNUSED_OPTIONS].flatMap(({ field }) =>
    field === undefined ? [] : PROXY_MODES.flatMap((mode) => entryOf(pathIn(mode, field), field)),
  ),
);

const SETTINGS: ReadonlyMap<string, FieldType> = new Map(
  OPTION_ENTRIES.flatMap(([, option]) => settingOf(option) ?? []).map(({ name, type }) => [name, type]),
);

function entryOf(path: string | undefined, { type }: FieldSpec): readonly (readonly [string, FieldType])[] {
  return path === undefined ? [] : [[path, type]];
}

/** Decodes a configuration file as kube-proxy does, strictly and leniently at once. Never throws. */
export function decodeConfigFile(text: string, path: string): ConfigFile {
  return new Decoder(text, path).decode();
}

/** The mode that a file is for: iptables where it says nothing, as for kube-proxy. */
export function modeOf({ fields }: ConfigFile): ProxyMode {
  return parseProxyMode(String(fields.get('mode')?.raw)) ?? 'iptables';
}

/** What a KubeProxyConfiguration says. Of the fields that modes have of their own, those of its mode count. Fields that are not set there are not set here; `backend` is never unset. */
export function fieldsLayer(file: ConfigFile): Layer {
  const { path, fields } = file;
  const mode = modeOf(file);
  const find = ({ field }: Option) => fields.get((field && pathIn(mode, field)) ?? '');
  return {
    valueOf: (option) => {
      const found = find(option);
      const set = found !== undefined && (!found.zero || option.field?.zeroCounts === true);
      return set ? found.raw : option.field?.unset;
    },
    nameOf: (option) => placeOf(path, find(option)?.line, (option.field && pathIn(mode, option.field)) ?? option.flag),
  };
}

/** What a SluiceConfiguration says. */
export function settingsLayer({ path, settings }: ConfigFile): Layer {
  const find = (option: Option) => settings.get(settingOf(option)?.name ?? '');
  return {
    valueOf: (option) => find(option)?.raw,
    nameOf: (option) => placeOf(path, find(option)?.line, settingOf(option)?.name ?? option.flag),
  };
}

function placeOf(path: string, line: number | undefined, name: string): string {
  return line === undefined ? `${path}: ${name}` : `${path}:${line}: ${name}`;
}

/** What is expected of one document. */
interface Shape {
  readonly types: ReadonlyMap<string, FieldType>;
  readonly values: Map<string, FileValue>;
}

class Decoder {
  readonly #text: string;
  readonly #path: string;
  readonly #problems: OptionProblem[] = [];
  readonly #ignored: string[] = [];

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  decode(): ConfigFile {
    const fields = { types: FIELDS, values: new Map<string, FileValue>() };
    const settings = { types: SETTINGS, values: new Map<string, FileValue>() };
    const contents = parseYaml(this.#text, { dialect: 'go', duplicates: 'report' }).flatMap((document) => {
      if (document.problem === undefined) return (document.value ?? null) === null ? [] : [document];
      const place = `${this.#path}:${this.#lineAt(document.problem.offset)}:`;
      this.#problems.push({ option: place, reason: document.problem.message });
      return [];
    });
    const [first, ...others] = contents;
    if (first !== undefined) this.#decodeFirst(first, fields);
    else if (this.#problems.length === 0) this.#problems.push({ option: this.#path, reason: 'is empty' });
    for (const document of others) this.#decodeOther(document, settings);
    return {
      path: this.#path,
      fields: fields.values,
      settings: settings.values,
      problems: this.#problems,
      ignored: this.#ignored,
    };
  }

  #decodeFirst(document: YamlContent, shape: Shape): void {
    const { value } = document;
    for (const [key, wanted] of Object.entries(KUBE_PROXY_KIND)) {
      const found = isObject(value) ? value[key] : undefined;
      if (found === wanted) continue;
      const place = placeOf(this.#path, this.#lineOf(document, [key]), key);
      this.#problems.push(
        found === undefined
          ? { option: place, reason: `is missing; it has to be ${wanted}` }
          : { option: place, value: found, reason: `is not ${wanted}, which has to come first in the file` },
      );
    }
    if (this.#problems.length === 0) this.#decodeDocument(document, shape);
  }

  /** kube-proxy reads the first document only; of the others, one may be ours. */
  #decodeOther(document: YamlContent, shape: Shape): void {
    const { value } = document;
    const ours =
      isObject(value) && value['kind'] === SLUICE_KIND.kind && value['apiVersion'] === SLUICE_KIND.apiVersion;
    if (ours && shape.values.size === 0) this.#decodeDocument(document, shape);
    else this.#ignored.push(`the document at line ${this.#lineAt(document.offset)}`);
  }

  #decodeDocument(document: YamlContent, shape: Shape): void {
    for (const { path, offset } of document.duplicates) {
      this.#ignored.push(`all but the last ${path.join('.')} (line ${this.#lineAt(offset)})`);
    }
    this.#walk(document, shape, []);
  }

  #walk(document: YamlContent, shape: Shape, path: YamlPath): void {
    const map = path.reduce((node: unknown, step) => (node as Readonly<Record<string, unknown>>)[step], document.value);
    for (const [key, json] of Object.entries(map as Readonly<Record<string, unknown>>)) {
      const inner = [...path, key];
      const name = inner.join('.');
      const line = this.#lineOf(document, inner);
      const type = shape.types.get(name);
      if (path.length === 0 && Object.hasOwn(KUBE_PROXY_KIND, key)) continue;
      if (type !== undefined) this.#decodeValue(shape, { name, type, json, line });
      else if (!isParent(shape.types, name)) this.#ignored.push(`unknown field ${name} (line ${line})`);
      else if (isObject(json)) this.#walk(document, shape, inner);
      else if (json !== null) this.#problem({ name, line, value: json, reason: 'is not a map' });
    }
  }

  #decodeValue({ values }: Shape, at: { name: string; type: FieldType; json: unknown; line: number }): void {
    const { name, type, json, line } = at;
    if (json === null || json === undefined) return;
    const codec = codecOf(type);
    const raw = codec.read(json);
    if (isTypeProblem(raw)) this.#problem({ name: `${name}${raw.at}`, line, value: raw.value, reason: raw.reason });
    else values.set(name, { raw, zero: codec.isZero(json), line });
  }

  #problem({ name, line, value, reason }: { name: string; line: number; value: unknown; reason: string }): void {
    this.#problems.push({ option: placeOf(this.#path, line, name), value, reason });
  }

  #lineOf(document: YamlContent, path: YamlPath): number {
    return this.#lineAt(document.offsetOf(path) ?? document.offset);
  }

  #lineAt(offset: number): number {
    return this.#text.slice(0, offset).split('\n').length;
  }
}

function isParent(types: ReadonlyMap<string, FieldType>, name: string): boolean {
  return types.keys().some((path) => path.startsWith(`${name}.`));
}
