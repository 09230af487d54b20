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
}

/** An object of the API as far as following it goes. */
export interface KubeObject {
  /** `namespace/name`, or `name`. */
  readonly name: ObjectName;
  /** `metadata.resourceVersion`. */
  readonly version: string;
  readonly json: unknown;
}

/** @returns `undefined` for what cannot be an object of this collection. */
export function kubeObject(json: unknown, { kind, namespaced }: Resource): KubeObject | undefined {
  if (!isRecord(json) || (json['kind'] !== undefined && json['kind'] !== kind)) return undefined;
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
