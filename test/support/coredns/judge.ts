import { parseType } from '../../../src/dns/codec.ts';
import { TYPE, typeName } from '../../../src/dns/wire/constants.ts';
import type { Circumstances, Peculiarities } from './circumstances.ts';
import type { Compared } from './comparison.ts';
import { DIFFERENCES, SILENCE, WITHOUT_ROOM } from './differences.ts';
import type { Fault } from './fault.ts';
import type { DnsQuery, DnsReply } from './message.ts';
import { isInZone, labelsBelow, ZONE } from './names.ts';
import { ASKED, hasFlag, isSame, normal, withFlag } from './normal.ts';

interface Judged {
  readonly expected: DnsReply | undefined;
  /** It is larger than the packet may be. */
  readonly isCut: boolean;
}

/** Says what sluice should have answered, given what CoreDNS answers to the same question and to others. */
export class Judge {
  /** Differences that there were. */
  readonly seen = new Set<string>();
  /** CoreDNS over TCP, by name and type. */
  readonly #table = new Map<string, DnsReply>();
  /** Labels in front of the zone. */
  readonly #existing = new Set<string>();
  readonly #peculiar: Peculiarities;
  readonly #authority: string;

  constructor(compared: readonly Compared[], peculiar: Peculiarities) {
    this.#peculiar = peculiar;
    for (const { query, coredns, sluice } of compared) {
      const reply = coredns ?? (query.type === TYPE.PTR ? sluice : undefined);
      if (reply !== undefined && query.flags === undefined) this.#table.set(keyOf(query), normal(reply, query));
    }
    this.#authority = (this.#table.get(`${ZONE} SOA`)?.answer[0] ?? '').slice(ASKED.length + 1);
    for (const { query } of compared) {
      const { name, type, labels } = this.#about(query);
      const reply = this.#table.get(keyOf(query));
      if (!isInZone(name) || type === 'SOA' || reply === undefined) continue;
      if (this.#expect(query, reply).rcode !== 'NOERROR') continue;
      for (let i = 0; i <= labels.length; i++) this.#existing.add(labels.slice(i).join('.'));
    }
    this.seen.clear();
  }

  /** @returns what is wrong with sluice's reply, if anything is. */
  judge({ query, coredns, sluice }: Compared): Fault | undefined {
    const theirs = coredns === undefined ? undefined : normal(coredns, query);
    const ours = sluice === undefined ? undefined : normal(sluice, query);
    const { expected, isCut } = this.#judged(query, theirs);
    const fault = { query, expected, sluice: ours };
    if (expected === undefined || ours === undefined || theirs === undefined) {
      if (query.type !== TYPE.PTR || theirs !== undefined || ours === undefined) return fault;
      this.seen.add(SILENCE.what);
      return undefined;
    }
    const fits = isCut ? this.#isPartOf(expected, ours, theirs) : isSame(expected, ours);
    return fits ? undefined : fault;
  }

  /** What CoreDNS would say if there were room enough, with all differences. */
  #judged(query: DnsQuery, theirs: DnsReply | undefined): Judged {
    if (theirs === undefined) return { expected: undefined, isCut: false };
    const whole = query.transport === 'udp' ? this.#table.get(keyOf(query)) : undefined;
    const isShort = (section: 'answer' | 'additional'): boolean =>
      theirs[section].length < (whole?.[section].length ?? 0);
    const isCut = whole !== undefined && (hasFlag(theirs, 'tc') || isShort('answer') || isShort('additional'));
    if (!isCut) return { expected: this.#expect(query, theirs), isCut };
    const { answer, authority, additional } = whole;
    const flags = withFlag(theirs.flags, 'tc', false);
    return { expected: this.#expect(query, { ...theirs, flags, answer, authority, additional }), isCut };
  }

  #expect(query: DnsQuery, reply: DnsReply): DnsReply {
    const about = this.#about(query);
    return DIFFERENCES.reduce((before, { what, apply }) => {
      const after = apply(before, about);
      if (!isSame(before, after)) this.seen.add(what);
      return after;
    }, reply);
  }

  #about(query: DnsQuery): Circumstances {
    const name = query.name.toLowerCase();
    return {
      name,
      type: typeName(query.type),
      labels: labelsBelow(name),
      coredns: (other, type) => this.#table.get(`${other} ${type}`),
      expected: (other, type) => {
        const reply = this.#table.get(`${other} ${type}`);
        if (reply === undefined) return undefined;
        return this.#expect({ name: other, type: parseType(type) ?? 0, transport: 'tcp' }, reply);
      },
      exists: (other) => this.#existing.has(labelsBelow(other).join('.')),
      authority: this.#authority,
      peculiar: this.#peculiar,
    };
  }

  /** As many answers as CoreDNS has room for, but for one more or less: targets are not all of one length. */
  #isPartOf(expected: DnsReply, ours: DnsReply, theirs: DnsReply): boolean {
    const isPart = (section: 'answer' | 'additional'): boolean =>
      ours[section].every((text) => expected[section].includes(text));
    const isWhole = ours.answer.length === expected.answer.length;
    if (isWhole && hasFlag(theirs, 'tc')) this.seen.add(WITHOUT_ROOM.glue.what);
    const isOurs = hasFlag(ours, 'aa');
    if (!isOurs) this.seen.add(WITHOUT_ROOM.others.what);
    const isAsLong = isWhole || !isOurs || Math.abs(ours.answer.length - theirs.answer.length) <= 1;
    const flags = withFlag(expected.flags, 'tc', !isWhole);
    const { authority, answer, additional } = ours;
    return (
      isPart('answer') &&
      isPart('additional') &&
      isAsLong &&
      isSame({ ...expected, flags, authority, answer, additional }, ours)
    );
  }
}

function keyOf({ name, type }: DnsQuery): string {
  return `${name.toLowerCase()} ${typeName(type)}`;
}
