import { parseIpAddress } from './address.ts';
import { PORT_NUMBER, PROXY_NAME_LABEL, readPortName, readProtocol, SERVICE_TYPES } from './decode-service.ts';
import type { Octets } from './dns-octets.ts';
import { addressOctets } from './dns-octets.ts';
import type { Decoded, Field } from './fields.ts';
import { decodeObject } from './fields.ts';
import { isDnsLabel, labelOf, readNamespacedName } from './object.ts';
import type { Protocol } from './service.ts';

/** A port as DNS names it. */
export interface DnsPort {
  /** Empty for the port that has none; then only SRV of the bare Service name has it. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** As much of a Service as cluster DNS needs; unlike the dataplane it needs headless and ExternalName Services too. */
export type DnsService =
  | {
      readonly kind: 'cluster';
      readonly addresses: readonly Octets[];
      readonly ports: readonly DnsPort[];
      /** This proxy writes the rules of it, so its name waits for them. */
      readonly programmed: boolean;
    }
  | { readonly kind: 'headless' }
  | { readonly kind: 'external'; readonly target: string };

/** Service v1, untyped. No value for one whose addresses are not allocated yet. */
export function decodeDnsService(json: unknown, origin?: string): Decoded<DnsService> {
  return decodeObject(
    json,
    () => labelOf(json, 'Service', origin),
    (root) => {
      readNamespacedName(root, isDnsLabel);
      const spec = root.get('spec');
      // The type decides, never the presence of externalName: the API server keeps that through changes of the type.
      if (spec.get('type').oneOf(SERVICE_TYPES) === 'ExternalName') {
        return { kind: 'external', target: spec.get('externalName').required((field) => field.string()) };
      }
      const list = spec.get('clusterIPs').items();
      const fields = list.length > 0 ? list : [spec.get('clusterIP')];
      const first = fields[0]?.string() ?? '';
      if (first === 'None') return { kind: 'headless' };
      if (first === '') return undefined;
      return {
        kind: 'cluster',
        addresses: fields.map((field) =>
          addressOctets(field.required((found) => found.parsed(parseIpAddress, 'an IP address'))),
        ),
        ports: readDnsPorts(spec.get('ports')),
        programmed: !root.at('metadata', 'labels').get(PROXY_NAME_LABEL).present,
      };
    },
  );
}

/** The ports of a Service or of an EndpointSlice; what cannot be read is left out. */
export function readDnsPorts(list: Field): readonly DnsPort[] {
  const found = list.items().map((item) =>
    item.attempt((field) => ({
      name: readPortName(field.get('name')),
      protocol: readProtocol(field.get('protocol')),
      port: field.get('port').required((port) => port.integer(PORT_NUMBER)),
    })),
  );
  return found.filter((port) => port !== undefined);
}
