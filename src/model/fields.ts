import { SluiceError } from '../base/errors.ts';
import type { Problem } from './problem.ts';

/** What became of one untyped object. */
export interface Decoded<T> {
  /** `undefined` when the object is skipped (then `problems` says why) or of no concern to a proxy (then it does not). */
  readonly value: T | undefined;
  readonly problems: readonly Problem[];
}

/** What a {@link Problem} says about its object besides the problem itself. */
export interface ObjectLabel {
  readonly kind: string;
  /** `namespace/name`, or what could be found out of it. */
  readonly object: string;
  readonly origin?: string;
}

/**
 * Runs a decoder over one object, called `label` in problems. {@link Field.fail} anywhere in it skips the object with that one problem;
 * {@link Field.ignore} and {@link Field.attempt} cost only the named part.
 */
export function decodeObject<T>(
  json: unknown,
  label: () => ObjectLabel,
  read: (root: Field) => T | undefined,
): Decoded<T> {
  const root = new Field(json);
  try {
    const value = read(root);
    return { value, problems: root.findings.length === 0 ? NO_PROBLEMS : withLabel(root.findings, label()) };
  } catch (thrown) {
    const failure = failureOf(thrown);
    return { value: undefined, problems: withLabel([{ ...failure, effect: 'skipped' }], label()) };
  }
}

/** What is wrong somewhere in an object. Whose it is, is said at the end: almost always there is none. */
type Finding = Pick<Problem, 'path' | 'effect' | 'message'>;

const NO_PROBLEMS: readonly Problem[] = [];

function withLabel(found: readonly Finding[], label: ObjectLabel): readonly Problem[] {
  return found.map(({ path, effect, message }) => ({ ...label, path, effect, message }));
}

/** The failure that {@link Field.fail} threw; anything else is a bug and travels on. */
function failureOf(thrown: unknown): { path: string; message: string } {
  if (!(thrown instanceof SluiceError) || thrown.code !== 'bad-object') throw thrown;
  return { path: String(thrown.data['path']), message: thrown.message };
}

const SHOWN_LENGTH = 60;
const PLAIN_KEY = /^\w+$/;

/** A value as one short line of JSON, for messages. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/**
 * One place in untyped JSON, knowing its path. Absent and `null` are the same, as in Go. Readers of absent fields give
 * `undefined` (an empty list for {@link items}); those of wrongly typed ones {@link fail}.
 */
export class Field {
  readonly #value: unknown;
  readonly #found: Finding[];
  readonly #parent: Field | undefined;
  readonly #key: string | number;

  /** A root, or what `parent` has under `key`. */
  constructor(value: unknown, parent?: Field, key: string | number = '') {
    this.#value = value ?? undefined;
    this.#found = parent === undefined ? [] : parent.#found;
    this.#parent = parent;
    this.#key = key;
  }

  /** What {@link ignore} and {@link attempt} noted, anywhere in the object. */
  get findings(): readonly Finding[] {
    return this.#found;
  }

  get present(): boolean {
    return this.#value !== undefined;
  }

  /** `spec.ports[0].port`, `metadata.labels["a/b"]`. */
  get path(): string {
    const parent = this.#parent;
    const key = this.#key;
    if (parent === undefined) return '';
    if (typeof key === 'number') return `${parent.path}[${key}]`;
    if (!PLAIN_KEY.test(key)) return `${parent.path}[${quote(key)}]`;
    return parent.path === '' ? key : `${parent.path}.${key}`;
  }

  /** The named field of this object; an absent one when there is none or this object is absent itself. */
  get(key: string): Field {
    const value = this.#value;
    if (value === undefined || value === null) return new Field(undefined, this, key);
    if (typeof value !== 'object' || Array.isArray(value)) return this.fail('is not an object');
    const child = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
    return new Field(child, this, key);
  }

  /** The fields of this object, by several steps: `at('metadata', 'labels', …)`. */
  at(...keys: readonly string[]): Field {
    return keys.reduce<Field>((field, key) => field.get(key), this);
  }

  items(): readonly Field[] {
    const value = this.#value;
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.fail('is not a list');
    return value.map((item, key) => new Field(item, this, key));
  }

  /** The first item, if there is one; the others are not looked at. */
  first(): Field | undefined {
    const value = this.#value;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return this.fail('is not a list');
    return value.length === 0 ? undefined : new Field(value[0], this, 0);
  }

  /** What `read` finds in the items, in their order. An item that it fails on is reported and left out. */
  each<T>(read: (item: Field) => T | undefined): T[] {
    const found: T[] = [];
    for (const item of this.items()) {
      const value = item.attempt(read);
      if (value !== undefined) found.push(value);
    }
    return found;
  }

  string(): string | undefined {
    const value = this.#value;
    return value === undefined || typeof value === 'string' ? value : this.fail('is not a string');
  }

  boolean(): boolean | undefined {
    const value = this.#value;
    return value === undefined || typeof value === 'boolean' ? value : this.fail('is not true or false');
  }

  integer(range: { readonly min: number; readonly max: number; readonly what: string }): number | undefined {
    const value = this.#value;
    if (value === undefined) return undefined;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < range.min || value > range.max) {
      return this.fail(`is not ${range.what} (${range.min} to ${range.max})`);
    }
    return value;
  }

  oneOf<const T extends string>(allowed: readonly T[]): T | undefined {
    const value = this.#value;
    if (value === undefined) return undefined;
    return allowed.includes(value as T) ? (value as T) : this.fail(`is not one of ${allowed.join(', ')}`);
  }

  /**
   * Text in a certain form. Blank text counts as absent, as it does for kube-proxy.
   *
   * @param parse gives `undefined` for text that is not in the form, which is called `what` in the message.
   */
  parsed<T>(parse: (text: string) => T | undefined, what: string): T | undefined {
    const text = this.string()?.trim();
    if (text === undefined || text === '') return undefined;
    return parse(text) ?? this.fail(`is not ${what}`);
  }

  /** What `read` finds, or a failure when it finds nothing. */
  required<T>(read: (field: Field) => T | undefined): T {
    return read(this) ?? this.fail('is missing');
  }

  /**
   * Reads something that the object can do without: a failure in it is reported with effect `ignored` and gives `undefined`.
   */
  attempt<T>(read: (field: Field) => T | undefined): T | undefined {
    try {
      return read(this);
    } catch (thrown) {
      const { path, message } = failureOf(thrown);
      this.#found.push({ path, effect: 'ignored', message });
      return undefined;
    }
  }

  /** Says that this field is not used, and why. */
  ignore(message: string): undefined {
    this.#found.push({ path: this.path, effect: 'ignored', message: this.#withValue(message) });
  }

  /** Gives up on whatever is being read: the object, or the part inside {@link attempt}. */
  fail(message: string): never {
    throw new SluiceError({ code: 'bad-object', message: this.#withValue(message), data: { path: this.path } });
  }

  #withValue(message: string): string {
    const plain =
      typeof this.#value === 'string' || typeof this.#value === 'number' || typeof this.#value === 'boolean';
    return plain ? `${quote(this.#value)} ${message}` : message;
  }
}
