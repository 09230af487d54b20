import { TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import { AnswerBuilder } from './answer.ts';
import type { Finding } from './finding.ts';
import type { RuleName } from './rules.ts';
import type { Zone } from './settings.ts';

/** A question inside a zone. */
export class Question {
  readonly name: NameKey;
  readonly type: number;
  readonly zone: Zone;
  /** Labels to the left of the zone. */
  readonly depth: number;
  /** Where each label begins; shared by all questions, so good for the one that is being answered only. */
  readonly #starts: Uint8Array;

  constructor(name: NameKey, type: number, place: { zone: Zone; depth: number; starts: Uint8Array }) {
    this.name = name;
    this.type = type;
    this.zone = place.zone;
    this.depth = place.depth;
    this.#starts = place.starts;
  }

  /** Where label `i` begins, from the left. */
  start(i: number): number {
    return this.#starts[i] ?? 0;
  }

  /** The text of label `i`. */
  label(i: number): string {
    return this.name.slice(this.start(i) + 1, this.start(i + 1));
  }

  /** Labels `from` to `to` (exclusive) as they are on the wire. */
  labels(from: number, to: number): string {
    return this.name.slice(this.start(from), this.start(to));
  }

  missing(rule: RuleName, source?: string): Finding {
    return { kind: 'missing', type: this.type, zone: this.zone, rule, ...(source === undefined ? {} : { source }) };
  }

  empty(rule: RuleName, source?: string): Finding {
    return { kind: 'empty', type: this.type, zone: this.zone, rule, ...(source === undefined ? {} : { source }) };
  }

  /** The builder's records; what exists without a record of the type is empty. */
  answer(builder: AnswerBuilder, rule: RuleName, source?: string): Finding {
    const answer = builder.build();
    if (answer.count === 0) return this.other('no-such-type', source);
    const { type, zone } = this;
    return { kind: 'answer', type, zone, answer, rule, ...(source === undefined ? {} : { source }) };
  }

  /** A name that exists, asked for a type that it has no record of. */
  other(rule: RuleName, source?: string): Finding {
    if (this.type !== TYPE.ANY) return this.empty(rule, source);
    return this.answer(new AnswerBuilder(ANY_TTL_S).strings(TYPE.HINFO, 'RFC8482', ''), 'any', source);
  }
}

/** As good as any other; this is what others have chosen. */
const ANY_TTL_S = 8482;

/** Can the finding for such a question be kept? Others are too rare, and a client could ask for 65,536 of them. */
export function isKept(type: number): boolean {
  return type === TYPE.A || type === TYPE.AAAA || type === TYPE.SRV || type === TYPE.CNAME;
}
