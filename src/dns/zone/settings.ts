import type { Cidr, IpAddress } from '../../model/address.ts';
import { REVERSE_ZONES } from './address-labels.ts';
import { encodeName, joinLabels, labelsOf } from '../wire/name.ts';
import type { NameKey } from '../wire/name.ts';

/** When names of pods, such as `10-1-2-3.default.pod.cluster.local`, exist. */
export type PodMode = 'disabled' | 'insecure' | 'verified';

/** What a zone is made of besides objects. Plain data, so that it can be sent to another thread. */
export interface ZoneSettings {
  /** Names such as `cluster.local`; the first is the one that reverse lookups lead to. */
  readonly zones: readonly string[];
  /** Of all records but those of endpoints. */
  readonly ttlS: number;
  /** Of records that name endpoints of headless Services, which come and go. */
  readonly headlessTtlS: number;
  readonly pods: PodMode;
  /** Headless Services have names for each topology zone of their endpoints, too. */
  readonly zonal: boolean;
  /** Services of this proxy are hidden until they are `Programmed`. */
  readonly gated: boolean;
  /** Where this server can be reached; the addresses of `ns.dns.<zone>`. */
  readonly nameServers: readonly IpAddress[];
  /** The networks of Services and pods: unknown addresses in them do not exist, those elsewhere are somebody else's. */
  readonly localNetworks: readonly Cidr[];
}

/** As kubeadm configures CoreDNS. */
export const DEFAULT_ZONE_SETTINGS: ZoneSettings = {
  zones: ['cluster.local'],
  ttlS: 30,
  headlessTtlS: 30,
  pods: 'insecure',
  zonal: false,
  gated: false,
  nameServers: [],
  localNetworks: [],
};

/** A zone that is answered for. */
export interface Zone {
  readonly name: NameKey;
  readonly labels: number;
  /** In {@link countedZones}. */
  readonly place: number;
  /** The cluster zone whose name server and mailbox the SOA record names; absent when that is the zone itself. */
  readonly primary?: NameKey;
}

/** @returns `undefined` when the text is no name. */
export function zoneOf(text: string, place: number, primary?: NameKey): Zone | undefined {
  const name = encodeName(text);
  if (name === undefined) return undefined;
  return { name, place, labels: labelsOf(name).length, ...(primary === undefined ? {} : { primary }) };
}

/** Labels in front of a name; too long a name is cut to what cannot match anything, the name itself. */
export function below(name: NameKey, ...labels: readonly string[]): NameKey {
  return joinLabels([...labels, ...labelsOf(name)]) ?? name;
}

/** The names under which queries are counted: none of ours, each zone in the order of the settings, reverse zones. */
export function countedZones({ zones }: Pick<ZoneSettings, 'zones'>): readonly string[] {
  return [
    '.',
    ...zones.map((zone) => `${zone.replace(/\.$/, '')}.`),
    ...Object.values(REVERSE_ZONES).map((zone) => `${zone}.`),
  ];
}
