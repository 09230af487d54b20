import { join } from 'node:path';
import type { KubeObject } from './kustomize.ts';
import { renderKustomization } from './kustomize.ts';

export const DEPLOY = join(import.meta.dirname, '../../deploy');

/** Folders under deploy/overlays. */
export const OVERLAYS = ['standalone', 'standalone-dns', 'take-over', 'take-over-dns', 'roll-back'] as const;

export type Overlay = (typeof OVERLAYS)[number];

/** As much of a container as the tests look at. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string }[];
  readonly securityContext: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly add: readonly string[]; readonly drop: readonly string[] };
  };
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly hostPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number };
}

export interface PodSpec {
  readonly serviceAccountName: string;
  readonly hostNetwork: boolean;
  readonly priorityClassName: string;
  readonly initContainers?: readonly Container[];
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
}

export function objectsOf(overlay: Overlay): readonly KubeObject[] {
  return renderKustomization(join(DEPLOY, 'overlays', overlay));
}

/** The only object of a kind. @throws when there are more or none. */
export function only(objects: readonly KubeObject[], kind: string): KubeObject {
  const [object, another] = objects.filter((candidate) => candidate.kind === kind);
  if (object === undefined || another !== undefined) throw new Error(`not exactly one ${kind}`);
  return object;
}

export interface DaemonSetSpec {
  readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: PodSpec;
  };
}

export function daemonSetOf(overlay: Overlay): DaemonSetSpec {
  return only(objectsOf(overlay), 'DaemonSet')['spec'] as DaemonSetSpec;
}

/** The whole of what a container is told to run, the image's entry point left out. */
export function argumentsOf({ command = [], args = [] }: Container): readonly string[] {
  return [...command, ...args];
}
