import { TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import type { ZoneData } from './data.ts';
import type { ServiceRecord } from './service-record.ts';
import type { Zone } from './settings.ts';
import { below } from './settings.ts';

/** A name that has records, and the types that it may have. */
export interface OwnedTypes {
  readonly name: NameKey;
  readonly types: readonly number[];
}

const ADDRESSES = [TYPE.A, TYPE.AAAA];

/**
 * Every name of a cluster zone that records can be told of. Names of pods cannot: where they are not verified, every address
 * has one. Goes over the data as it is read; what changes meanwhile may or may not be seen.
 */
export function* namesOf(data: ZoneData, zone: Zone): Generator<OwnedTypes> {
  yield { name: zone.name, types: [TYPE.NS] };
  yield { name: below(zone.name, 'dns-version'), types: [TYPE.TXT] };
  yield { name: below(zone.name, 'ns', 'dns'), types: ADDRESSES };
  for (const record of data.services) yield* namesBelow(record, zone);
}

function* namesBelow(record: ServiceRecord, zone: Zone): Generator<OwnedTypes> {
  const { service, candidates } = record;
  if (service === undefined) return;
  const [namespace = '', own = ''] = record.name.split('/');
  const name = below(zone.name, own, namespace, 'svc');
  if (service.kind === 'external') return yield { name, types: [TYPE.CNAME] };
  yield { name, types: [...ADDRESSES, TYPE.SRV] };
  const ports = service.kind === 'cluster' ? service.ports : candidates.flatMap((candidate) => candidate.ports);
  const named = ports.filter((port) => port.name !== '').map((port) => [`_${port.name}`, `_${port.protocol}`] as const);
  for (const labels of new Map(named.map((pair) => [pair.join('.'), pair])).values()) {
    yield { name: below(name, ...labels), types: [TYPE.SRV] };
  }
  for (const host of new Set(candidates.map((candidate) => candidate.host))) {
    yield { name: below(name, host), types: [...ADDRESSES, TYPE.SRV] };
  }
}
