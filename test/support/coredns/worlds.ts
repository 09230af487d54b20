import { parseYaml } from '../../../src/base/yaml.ts';
import type { UntypedObject } from '../../../src/lab/api/api-upstream.ts';
import { CLUSTER } from '../../unit/dns/objects.ts';
import { dashedLabel, reverseName } from '../../../src/dns/zone/address-labels.ts';
import { nameText } from '../../../src/dns/wire/name.ts';
import { parseIpAddress } from '../../../src/model/address.ts';
import { addressOctets } from '../../../src/model/dns-octets.ts';
import { playScenario, SCENARIO_NAMES } from '../scenario.ts';
import type { MisspeltEndpoint, Peculiarities } from './circumstances.ts';
import { ZONE } from './names.ts';
import { CORNERS, LARGE } from './objects.ts';
import type { DnsVariant } from './server.ts';

const SLICE_OWNER = 'kubernetes.io/service-name';

/** Nothing of this one can be compared, see LEADING_ZEROS. */
const WITH_ZEROS = 'leading-zeros';

/** Clusters of which both servers are asked, besides those of the scenarios. */
export const DNS_WORLDS: Readonly<Record<string, () => readonly UntypedObject[]>> = {
  'the cluster of the unit tests': () => objectsOf(CLUSTER),
  corners: () => [...objectsOf(CORNERS), namespaceNamed('bare')],
  'large answers': () => LARGE,
};

/** The objects at the end of every scenario, by its name. */
export const SCENARIO_WORLDS: Readonly<Record<string, () => readonly UntypedObject[]>> = Object.fromEntries(
  SCENARIO_NAMES.filter((name) => name !== WITH_ZEROS).map((name) => [name, () => lastObjects(name)]),
);

/** With what an API server would have added, and the Namespaces that it would have insisted on. */
export function asServed(objects: readonly UntypedObject[]): readonly UntypedObject[] {
  const names = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  for (const { kind, metadata } of objects) if (kind === 'Namespace') names.delete(metadata.name);
  return [...[...names].map(namespaceNamed), ...objects.map(withProtocols)];
}

function namespaceNamed(name: string): UntypedObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** Ports are TCP's where they say nothing. */
function withProtocols(object: UntypedObject): UntypedObject {
  const filled = (ports: unknown): object =>
    Array.isArray(ports) ? { ports: ports.map((port: object) => ({ protocol: 'TCP', ...port })) } : {};
  const { spec, ports } = object as { readonly spec?: { readonly ports?: unknown }; readonly ports?: unknown };
  return { ...object, ...filled(ports), ...(spec === undefined ? {} : { spec: { ...spec, ...filled(spec.ports) } }) };
}

function objectsOf(yaml: string): readonly UntypedObject[] {
  return parseYaml(yaml).map((document) => {
    if (document.problem !== undefined) throw new Error(JSON.stringify(document.problem));
    return document.value as UntypedObject;
  });
}

function lastObjects(name: string): readonly UntypedObject[] {
  const { moments } = playScenario(name, 'nft');
  const byName = new Map<string, UntypedObject>();
  for (const object of moments.flatMap(({ objects }) => objects)) {
    byName.set(`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`, object);
  }
  return [...byName.values()].filter(isStorable);
}

/** Is it an object that names are made of, and that an API server would have? */
function isStorable(object: UntypedObject): boolean {
  if (object.kind === 'Node' || object.kind === 'ServiceCIDR') return false;
  const { spec } = object as Fields;
  return object.kind !== 'Service' || (spec?.type === 'ExternalName') !== ((spec?.clusterIP ?? '') !== '');
}

interface Fields {
  readonly spec?: { readonly type?: string; readonly clusterIP?: string };
  readonly addressType?: string;
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly hostname?: string;
    readonly targetRef?: { readonly name: string };
    readonly conditions?: { readonly ready?: boolean };
  }[];
  readonly status?: { readonly podIPs?: readonly { readonly ip: string }[] };
}

/** What the objects have that CoreDNS does not find, as the variant has it. */
export function peculiaritiesOf(objects: readonly UntypedObject[], { name }: DnsVariant): Peculiarities {
  const isVerified = name === 'pods verified';
  return {
    misspelt: objects.flatMap((object) => misspeltEndpoints(object, isVerified)),
    podNames: new Map(isVerified ? objects.flatMap(otherNamesOfPod) : []),
    hostNames: new Set(objects.flatMap(namesOfHosts)),
  };
}

function misspeltEndpoints(object: UntypedObject, podNames: boolean): readonly MisspeltEndpoint[] {
  const { namespace = '', labels } = object.metadata;
  const { endpoints = [] } = object as Fields;
  const service = labels?.[SLICE_OWNER] ?? '';
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  return ready.flatMap(({ addresses, hostname, targetRef }) =>
    addresses.flatMap((address) => {
      const parsed = parseIpAddress(address);
      if (parsed === undefined || parsed === address) return [];
      const octets = addressOctets(parsed);
      const canonical = dashedLabel(octets);
      const host = hostname ?? (podNames ? targetRef?.name : undefined) ?? canonical;
      return {
        service: `${namespace}/${service}`,
        written: address.replaceAll(':', '-'),
        canonical,
        reverse: nameText(reverseName(octets)).replace(/\.$/, ''),
        target: `${host}.${service}.${namespace}.svc.${ZONE}.`,
      };
    }),
  );
}

function namesOfHosts(object: UntypedObject): readonly string[] {
  const { namespace, labels } = object.metadata;
  const { addressType, endpoints = [] } = object as Fields;
  const own = `${labels?.[SLICE_OWNER]}.${namespace}.svc.${ZONE}`;
  const hosts = addressType === 'FQDN' ? endpoints.flatMap(({ addresses }) => addresses) : [];
  return hosts.map((host) => `${host.replaceAll('.', '-')}.${own}`);
}

function otherNamesOfPod({ metadata, ...fields }: UntypedObject): readonly (readonly [string, string])[] {
  const [, ...others] = (fields as Fields).status?.podIPs ?? [];
  return others.map(({ ip }) => [`${ip.replaceAll(':', '-')}.${metadata.namespace}.pod.${ZONE}`, ip]);
}
