import { nameText } from '../../../src/dns/wire/name.ts';
import { dashedLabel, reverseName } from '../../../src/dns/zone/address-labels.ts';
import type { UntypedObject } from '../../../src/lab/api/api-upstream.ts';
import { parseIpAddress } from '../../../src/model/address.ts';
import { addressOctets } from '../../../src/model/dns-octets.ts';
import { ZONE } from './names.ts';

/** What is in every cluster, and what is in none. */
const FIXED_NAMES = [
  '',
  'svc',
  'pod',
  'dns',
  'ns.dns',
  'x.ns.dns',
  'dns-version',
  'x.dns-version',
  'foo',
  'foo.bar',
  'none.svc',
  'none.pod',
  'web.none.svc',
  'x.web.none.svc',
  '10-0-0-1.none.pod',
  '*.svc',
  '*',
  '_tcp',
  'svc.svc',
  'pod.svc',
  'svc.pod',
  '--ffff-a00-1.kube-mark.pod',
  '1-2-3-4.kube-mark.pod',
  '01-2-3-4.kube-mark.pod',
  '1-2-3-4-5-6-7-8.kube-mark.pod',
  'fd00--1.kube-mark.pod',
  'kube-dns.kube-system.svc',
].map((name) => (name === '' ? ZONE : `${name}.${ZONE}`));

const OTHER_ZONES = [
  ...['www', 'alias', 'many', 'missing', 'empty', 'failure'].map((name) => `${name}.example.org`),
  '',
  'local',
  'mycluster.local',
  'cluster.local.example.org',
  'in-addr.arpa',
  'ip6.arpa',
  '10.in-addr.arpa',
  '96.10.in-addr.arpa',
  '1.2.0.192.in-addr.arpa',
  '0.0.d.f.ip6.arpa',
];

/** As much of the objects as names are made of. */
interface Fields {
  readonly spec?: {
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalName?: string;
    readonly ports?: readonly PortFields[];
  };
  readonly status?: { readonly podIP?: string; readonly podIPs?: readonly { readonly ip: string }[] };
  readonly ports?: readonly PortFields[];
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly hostname?: string;
    readonly targetRef?: { readonly name: string };
  }[];
}

interface PortFields {
  readonly name?: string;
  readonly protocol?: string;
}

const SLICE_OWNER = 'kubernetes.io/service-name';

/** All names that the objects have, and names near them that nobody has. */
export function namesOf(objects: readonly UntypedObject[]): readonly string[] {
  const names = new Set([...FIXED_NAMES, ...OTHER_ZONES]);
  for (const object of objects) for (const name of namesOfOne(object)) names.add(name.replace(/\.$/, ''));
  return [...names];
}

function namesOfOne(object: UntypedObject): readonly string[] {
  const { namespace = '', name, labels } = object.metadata;
  const { spec, status, ports = [], endpoints = [] } = object as Fields;
  switch (object.kind) {
    case 'Namespace':
      return [`${name}.svc.${ZONE}`, `${name}.pod.${ZONE}`, `_tcp.${name}.svc.${ZONE}`, `none.${name}.svc.${ZONE}`];
    case 'Service': {
      const own = `${name}.${namespace}.svc.${ZONE}`;
      const addresses = spec?.clusterIPs ?? [spec?.clusterIP ?? ''];
      const below = ['none', '*', '_tcp', '_udp', '_sctp', '_none._tcp', '_http._tcp', 'a._http._tcp'];
      const target = spec?.externalName === undefined ? [] : [spec.externalName];
      return [
        own,
        ...below.map((label) => `${label}.${own}`),
        ...namesOfPorts(own, spec?.ports ?? []),
        ...addresses.flatMap(namesOfAddress),
        ...target.filter((text) => !text.includes(':')),
      ];
    }
    case 'EndpointSlice': {
      const own = `${labels?.[SLICE_OWNER] ?? 'gone'}.${namespace}.svc.${ZONE}`;
      const hosts = endpoints
        .slice(0, 40)
        .flatMap(({ addresses, hostname, targetRef }) => [
          ...addresses.flatMap((address) => [address.replace(/[.:]/g, '-').replace(/-$/, '-0'), ...dashed(address)]),
          ...[hostname ?? [], targetRef?.name ?? []].flat(),
        ]);
      return [
        ...namesOfPorts(own, ports),
        ...hosts.map((host) => `${host}.${own}`),
        ...hosts.slice(0, 2).flatMap((host) => [`x.${host}.${own}`, ...namesOfPorts(`${host}.${own}`, ports)]),
        ...endpoints.slice(0, 10).flatMap(({ addresses }) => addresses.flatMap(namesOfAddress)),
        ...endpoints
          .slice(0, 3)
          .flatMap(({ addresses }) =>
            addresses
              .flatMap(dashed)
              .flatMap((label) => [`${label}.${namespace}.pod.${ZONE}`, `x.${label}.${namespace}.pod.${ZONE}`]),
          ),
      ];
    }
    case 'Pod': {
      const addresses = status?.podIPs?.map(({ ip }) => ip) ?? [status?.podIP ?? ''];
      return [
        `${name}.${namespace}.pod.${ZONE}`,
        ...addresses.flatMap(dashed).map((label) => `${label}.${namespace}.pod.${ZONE}`),
      ];
    }
    default:
      return [];
  }
}

function namesOfPorts(own: string, ports: readonly PortFields[]): readonly string[] {
  return ports.slice(0, 4).flatMap(({ name = '', protocol = 'TCP' }) => {
    const transport = protocol.toLowerCase();
    return name === ''
      ? []
      : [
          `_${name}._${transport}.${own}`,
          `${name}.${transport}.${own}`,
          `_${name}._none.${own}`,
          `x._${name}._${transport}.${own}`,
        ];
  });
}

function dashed(address: string): readonly string[] {
  const parsed = parseIpAddress(address);
  return parsed === undefined ? [] : [dashedLabel(addressOctets(parsed))];
}

/** The reverse name, those around it, and none for what is no address. */
function namesOfAddress(address: string): readonly string[] {
  const parsed = parseIpAddress(address);
  if (parsed === undefined) return [];
  const reverse = nameText(reverseName(addressOctets(parsed))).replace(/\.$/, '');
  return [reverse, `x.${reverse}`, reverse.replace(/^[^.]*\./, ''), reverse.replace(/^[^.]*/, 'f')];
}
