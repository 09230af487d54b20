import type { DnsChange } from '../../model/dns-change.ts';
import { TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import type { TimedChangeListener } from './data.ts';
import { ZoneData } from './data.ts';
import { recordsOf } from './answer.ts';
import type { Finding } from './finding.ts';
import { Lookup } from './lookup.ts';
import type { Zone, ZoneSettings } from './settings.ts';
import { StartOfAuthority } from './soa.ts';
import { namesOf } from './zone-names.ts';

/** The records of the cluster: changes go in, findings come out. */
export class ClusterZone {
  readonly #data: ZoneData;
  readonly #lookup: Lookup;
  readonly #authority: StartOfAuthority;
  #synced = false;

  /** @param onTimedChange told of changes that are no part of what was there at the start. */
  constructor(settings: ZoneSettings, onTimedChange: TimedChangeListener = () => undefined) {
    this.#data = new ZoneData(settings.gated, (kind, triggeredDateMs) => {
      if (this.#synced) onTimedChange(kind, triggeredDateMs);
    });
    this.#lookup = new Lookup(this.#data, settings);
    this.#authority = new StartOfAuthority(settings.ttlS);
  }

  /** Is everything known that was there at the start? Before that, what is not known may exist all the same. */
  get synced(): boolean {
    return this.#synced;
  }

  get serial(): number {
    return this.#data.serial;
  }

  /** @param serial the time in Unix seconds, for the SOA record. @returns whether any answer may differ. */
  apply(changes: readonly DnsChange[], serial: number): boolean {
    return this.#data.apply(changes, serial);
  }

  setSynced(): void {
    this.#synced = true;
  }

  find(name: NameKey, type: number): Finding {
    return this.#lookup.find(name, type);
  }

  /** All records of a zone but SOA, as they are found by name; `rest` is what comes after the owner. */
  *records(zone: Zone): Generator<{ readonly owner: NameKey; readonly rest: Uint8Array }> {
    for (const { name, types } of namesOf(this.#data, zone)) {
      for (const type of types) {
        const finding = this.#lookup.find(name, type);
        if (finding.kind !== 'answer' && finding.kind !== 'alias') continue;
        for (const rest of recordsOf(finding.answer)) yield { owner: name, rest };
      }
    }
  }

  /** The SOA record of a zone, without its owner. */
  startOfAuthority(zone: Zone): Uint8Array {
    return this.#authority.record(zone, this.#data.serial);
  }
}

/** Does the question end with the alias itself? */
export function wantsAlias(type: number): boolean {
  return type === TYPE.CNAME || type === TYPE.ANY;
}
