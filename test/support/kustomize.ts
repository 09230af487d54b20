import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { mergeStrategically } from './kustomize-patch.ts';

/** An object as a manifest has it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

interface Kustomization {
  readonly resources?: readonly string[];
  readonly namespace?: string;
  readonly patches?: readonly { readonly path: string }[];
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
  readonly configMapGenerator?: readonly { readonly name: string; readonly files: readonly string[] }[];
}

const FIELDS = new Set(['apiVersion', 'kind', 'resources', 'namespace', 'patches', 'images', 'configMapGenerator']);

const WITHOUT_NAMESPACE = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);

/**
 * What `kubectl kustomize FOLDER` prints, as far as deploy/ makes use of it, on machines that have no kubectl. Generated
 * names have no hash at their end.
 *
 * @throws {Error} when the kustomization asks for something that this does not know.
 */
export function renderKustomization(folder: string): readonly KubeObject[] {
  const file = join(folder, 'kustomization.yaml');
  const kustomization = parse(readFileSync(file, 'utf8')) as Kustomization;
  const unknown = Object.keys(kustomization).filter((field) => !FIELDS.has(field));
  if (unknown.length > 0) throw new Error(`${file}: ${unknown.join(', ')} is not known here`);
  const { resources = [], patches = [], images = [], configMapGenerator = [], namespace } = kustomization;
  let objects = [
    ...resources.flatMap((path) => readResource(join(folder, path))),
    ...configMapGenerator.map(({ name, files }) => configMap(name, files, folder)),
  ];
  for (const { path } of patches) objects = patched(objects, join(folder, path));
  if (namespace !== undefined) objects = objects.map((object) => inNamespace(object, namespace));
  return images.reduce(
    (current, { name, newName, newTag }) =>
      current.map((object) => withImage(object, name, `${newName}:${newTag}`) as KubeObject),
    objects,
  );
}

/** `apps/v1 DaemonSet kube-system/kube-proxy` */
export function identityOf({ apiVersion, kind, metadata: { namespace = '', name } }: KubeObject): string {
  return `${apiVersion} ${kind} ${namespace}/${name}`;
}

/** The documents of a file of manifests. */
export function parseManifests(text: string): readonly KubeObject[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    return document.toJS() as KubeObject;
  });
}

function readResource(path: string): readonly KubeObject[] {
  return statSync(path).isDirectory() ? renderKustomization(path) : parseManifests(readFileSync(path, 'utf8'));
}

function configMap(name: string, files: readonly string[], folder: string): KubeObject {
  const data = Object.fromEntries(files.map((file) => [basename(file), readFileSync(join(folder, file), 'utf8')]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

function patched(objects: readonly KubeObject[], path: string): KubeObject[] {
  const patch = parse(readFileSync(path, 'utf8')) as KubeObject;
  const target = objects.find((object) => identityOf(object) === identityOf(patch));
  if (target === undefined) throw new Error(`${path}: there is no ${identityOf(patch)} to be patched`);
  return objects.map((object) => (object === target ? (mergeStrategically(object, patch) as KubeObject) : object));
}

function inNamespace(object: KubeObject, namespace: string): KubeObject {
  if (object.kind === 'Namespace') return { ...object, metadata: { ...object.metadata, name: namespace } };
  if (WITHOUT_NAMESPACE.has(object.kind)) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** Every field `image` that names the image, wherever it is. */
function withImage(value: unknown, name: string, image: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withImage(item, name, image));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([field, content]) => [
    field,
    field === 'image' && content === name ? image : withImage(content, name, image),
  ]);
  return Object.fromEntries(fields);
}
