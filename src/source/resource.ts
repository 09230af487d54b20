import type { ObjectKind } from '../model/object.ts';
import type { ObjectName } from '../model/service.ts';

/** A collection of objects to follow. */
export interface Resource {
  readonly kind: ObjectKind;
  /** Of the collection: `/apis/discovery.k8s.io/v1/endpointslices`. */
  readonly path: string;
  readonly namespaced: boolean;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** The server may lack it, or not let us see it: then there are none. */
  readonly optional?: boolean;
  /** Nothing but `metadata` is looked at, so the server need not send more. */
  readonly metadataOnly?: boolean;
}

/** An object of the API as far as following it goes. */
export interface KubeObject {
  /** `namespace/name`, or `name`. */
  readonly name: ObjectName;
  /** `metadata.resourceVersion`. */
  readonly version: string;
  readonly json: unknown;
}

/** What an object is that has its metadata only. */
const METADATA_KIND = 'PartialObjectMetadata';

/** What to accept of a list or a watch. Servers that cannot leave things out send whole objects. */
export function acceptable({ metadataOnly }: Resource, what: 'list' | 'watch'): string {
  if (metadataOnly !== true) return 'application/json';
  const kind = what === 'list' ? `${METADATA_KIND}List` : METADATA_KIND;
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
}

/** @returns `undefined` for what cannot be an object of this collection. */
export function kubeObject(json: unknown, { kind, namespaced, metadataOnly }: Resource): KubeObject | undefined {
  if (!isRecord(json)) return undefined;
  const given = json['kind'] ?? kind;
  if (given !== kind && !(metadataOnly === true && given === METADATA_KIND)) return undefined;
  const metadata = json['metadata'];
  if (!isRecord(metadata)) return undefined;
  const { name, namespace, resourceVersion } = metadata;
  if (!isText(name) || !isText(resourceVersion) || (namespaced && !isText(namespace))) return undefined;
  return { name: namespaced ? `${String(namespace)}/${name}` : name, version: resourceVersion, json };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

const NUMBER = /^[1-9]\d*$/;

/**
 * Is the first version older than the second? Versions are numbers that only grow (KEP-5504); of those that are no numbers
 * nothing is known, and the answer is no.
 */
export function isOlder(a: string, b: string): boolean {
  if (!NUMBER.test(a) || !NUMBER.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

/** The address of a collection with its selectors. */
export function resourceUrl(resource: Resource, query: Readonly<Record<string, string>>): string {
  const { path, labelSelector, fieldSelector } = resource;
  const all = new URLSearchParams(query);
  if (labelSelector !== undefined) all.set('labelSelector', labelSelector);
  if (fieldSelector !== undefined) all.set('fieldSelector', fieldSelector);
  return `${path}?${all.toString()}`;
}
