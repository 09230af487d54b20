import type { Field, ObjectLabel } from './fields.ts';
import { quote } from './fields.ts';
import type { ObjectName } from './service.ts';

/** The kinds of objects that a proxy or its DNS reads, with the API versions that are understood. */
const API_VERSIONS = {
  Service: ['v1'],
  EndpointSlice: ['discovery.k8s.io/v1'],
  Node: ['v1'],
  ServiceCIDR: ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1'],
  Namespace: ['v1'],
  Pod: ['v1'],
} as const satisfies Record<string, readonly string[]>;

export type ObjectKind = keyof typeof API_VERSIONS;

const OBJECT_KINDS = Object.keys(API_VERSIONS) as readonly ObjectKind[];

/** Where objects without a namespace go, as with kubectl. */
const DEFAULT_NAMESPACE = 'default';

const NAMESPACED: ReadonlySet<ObjectKind> = new Set(['Service', 'EndpointSlice', 'Pod']);

const DNS_LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_LENGTH = 253;

/** RFC 1123 label in lower case, at most 63 characters: nothing in it can end a comment or a rule. */
export function isDnsLabel(text: string): boolean {
  return DNS_LABEL.test(text);
}

/**
 * Labels joined by dots, 253 characters at most (names of nodes, slices and most other objects). A label may be longer than 63
 * characters, as the API server has it.
 */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= SUBDOMAIN_LENGTH && DNS_SUBDOMAIN.test(text);
}

/** An object in a stream of events: its kind and what it is called. */
export interface ObjectIdentity {
  readonly kind: ObjectKind;
  /** `namespace/name`, or `name` for kinds without namespaces; taken as it is, not checked. */
  readonly name: ObjectName;
}

/** What untyped JSON claims to be. @returns `undefined` for kinds and versions that a proxy does not read. */
export function identify(json: unknown): ObjectIdentity | undefined {
  const apiVersion = property(json, 'apiVersion');
  const kind = OBJECT_KINDS.find((known) => known === property(json, 'kind'));
  if (kind === undefined || !API_VERSIONS[kind].some((version) => version === apiVersion)) return undefined;
  return { kind, name: nameIn(json, kind) };
}

function nameIn(json: unknown, kind: ObjectKind): ObjectName {
  const metadata = property(json, 'metadata');
  const name = textOf(property(metadata, 'name'));
  if (!NAMESPACED.has(kind)) return name;
  return `${textOf(property(metadata, 'namespace') ?? DEFAULT_NAMESPACE)}/${name}`;
}

function property(json: unknown, key: string): unknown {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, key)) return undefined;
  return (json as Record<string, unknown>)[key];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : quote(value);
}

const PRINTABLE_NAME = /^[-\w./]+$/;

/** How problems call an object; names that are no names are quoted so that they stay on their line. */
export function labelOf(json: unknown, kind: ObjectKind, origin: string | undefined): ObjectLabel {
  const name = nameIn(json, kind);
  return { kind, object: PRINTABLE_NAME.test(name) ? name : quote(name), ...(origin === undefined ? {} : { origin }) };
}

/** The checked `namespace/name` of a namespaced object; both halves are safe in rules when `isName` is {@link isDnsLabel}. */
export function readNamespacedName(
  root: Field,
  isName: (text: string) => boolean,
): { namespace: string; name: ObjectName } {
  const namespaceField = root.at('metadata', 'namespace');
  const namespace = namespaceField.string() ?? DEFAULT_NAMESPACE;
  if (!isDnsLabel(namespace)) namespaceField.fail('is not a valid namespace');
  return { namespace, name: `${namespace}/${readName(root, isName)}` };
}

/** The checked `metadata.name`. */
export function readName(root: Field, isName: (text: string) => boolean): string {
  const field = root.at('metadata', 'name');
  const name = field.required((found) => found.string());
  return isName(name) ? name : field.fail('is not a valid name');
}
