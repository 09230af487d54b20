import { assertNever } from '../base/errors.ts';
import { parseIpAddress } from './address.ts';
import type { Octets } from './dns-octets.ts';
import { addressOctets } from './dns-octets.ts';
import type { DnsService } from './dns-service.ts';
import { decodeDnsService } from './dns-service.ts';
import type { DnsSlice, DnsSliceOptions } from './dns-slice.ts';
import { decodeDnsSlice } from './dns-slice.ts';
import type { Decoded } from './fields.ts';
import { decodeObject } from './fields.ts';
import { isDnsLabel, isDnsSubdomain, labelOf, readName, readNamespacedName } from './object.ts';
import type { Problem } from './problem.ts';
import type { ObjectName } from './service.ts';
import type { ObjectEvent } from './store.ts';

/** The addresses of a pod, for `pods verified`. */
export interface DnsPod {
  readonly addresses: readonly Octets[];
}

/**
 * The new state of one thing that cluster DNS knows; `value: undefined` means that it is gone. Plain data, so that it can be
 * sent to another thread; in any order, as often as one likes.
 */
export type DnsChange =
  | { readonly kind: 'Service'; readonly name: ObjectName; readonly value: DnsService | undefined }
  | {
      readonly kind: 'EndpointSlice';
      readonly name: ObjectName;
      readonly value: DnsSlice | undefined;
      /** When the cause of the change happened, milliseconds since 1970, where the slice says so. */
      readonly triggeredDateMs?: number;
    }
  | { readonly kind: 'Namespace'; readonly name: string; readonly value: true | undefined }
  | { readonly kind: 'Pod'; readonly name: ObjectName; readonly value: DnsPod | undefined }
  /** The cluster addresses of a Service that the node has rules for: the gate of {@link DnsService} `programmed`. */
  | { readonly kind: 'Programmed'; readonly name: ObjectName; readonly value: readonly Octets[] | undefined };

/** An event that may know when its cause happened. */
type TimedEvent = ObjectEvent & { readonly triggeredDateMs?: number };

/** What an event means to DNS, and what is wrong with its object; no change for kinds that DNS does not read. */
export function dnsChangeOf(
  event: TimedEvent,
  options: DnsSliceOptions = {},
): { readonly change: DnsChange | undefined; readonly problems: readonly Problem[] } {
  const { kind, name, triggeredDateMs } = event;
  const decoded = <T>(decode: (json: unknown, origin?: string) => Decoded<T>): Decoded<T> =>
    event.json === undefined ? { value: undefined, problems: [] } : decode(event.json, event.origin);
  switch (kind) {
    case 'Service': {
      const { value, problems } = decoded(decodeDnsService);
      return { change: { kind, name, value }, problems };
    }
    case 'EndpointSlice': {
      const { value, problems } = decoded((json, origin) => decodeDnsSlice(json, origin, options));
      const change = { kind, name, value } as const;
      return { change: triggeredDateMs === undefined ? change : { ...change, triggeredDateMs }, problems };
    }
    case 'Namespace': {
      const { value, problems } = decoded(decodeNamespace);
      return { change: { kind, name, value }, problems };
    }
    case 'Pod': {
      const { value, problems } = decoded(decodePod);
      return { change: { kind, name, value }, problems };
    }
    case 'Node':
    case 'ServiceCIDR':
      return { change: undefined, problems: [] };
    default:
      return assertNever(kind);
  }
}

function decodeNamespace(json: unknown, origin?: string): Decoded<true> {
  return decodeObject(
    json,
    () => labelOf(json, 'Namespace', origin),
    (root) => {
      readName(root, isDnsLabel);
      return true;
    },
  );
}

const ENDED_PHASES = new Set(['Succeeded', 'Failed']);

/** No value for pods that have no address, or none of their own any more. */
function decodePod(json: unknown, origin?: string): Decoded<DnsPod> {
  return decodeObject(
    json,
    () => labelOf(json, 'Pod', origin),
    (root) => {
      readNamespacedName(root, isDnsSubdomain);
      const status = root.get('status');
      if (ENDED_PHASES.has(status.get('phase').string() ?? '')) return undefined;
      const list = status.get('podIPs').items();
      const fields = list.length > 0 ? list.map((item) => item.get('ip')) : [status.get('podIP')];
      const addresses = fields.flatMap((field) => field.parsed(parseIpAddress, 'an IP address') ?? []);
      return addresses.length === 0 ? undefined : { addresses: addresses.map(addressOctets) };
    },
  );
}
