import { CLASS_IN, TYPE } from '../wire/constants.ts';
import { MessageWriter } from '../wire/writer.ts';
import type { Zone } from './settings.ts';
import { below } from './settings.ts';

/** How long "there is no such name" may be remembered, whatever the TTL of other records is. */
const MAX_SOA_TTL_S = 300;

const TIMERS = { refreshS: 7200, retryS: 1800, expireS: 86_400 };

interface Kept {
  readonly serial: number;
  readonly record: Uint8Array;
}

/** The SOA records of the zones, made anew when something changed. */
export class StartOfAuthority {
  readonly #ttlS: number;
  readonly #kept = new Map<Zone, Kept>();

  constructor(ttlS: number) {
    this.#ttlS = ttlS;
  }

  /** Everything behind the owner: type, class, TTL, length, data. */
  record(zone: Zone, serial: number): Uint8Array {
    const known = this.#kept.get(zone);
    if (known?.serial === serial) return known.record;
    const record = this.#make(zone, serial);
    this.#kept.set(zone, { serial, record });
    return record;
  }

  #make(zone: Zone, serial: number): Uint8Array {
    const host = zone.primary ?? zone.name;
    const data = new MessageWriter(128);
    data.plainName(below(host, 'ns', 'dns'));
    data.plainName(below(host, 'hostmaster'));
    data.long(serial);
    data.long(TIMERS.refreshS);
    data.long(TIMERS.retryS);
    data.long(TIMERS.expireS);
    data.long(this.#ttlS);
    const record = new MessageWriter(data.length + 10);
    record.word(TYPE.SOA);
    record.word(CLASS_IN);
    record.long(Math.min(this.#ttlS, MAX_SOA_TTL_S));
    record.word(data.length);
    record.append(data.bytes);
    return Uint8Array.from(record.bytes);
  }
}
