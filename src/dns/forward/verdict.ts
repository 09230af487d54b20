import { FLAG, RCODE, TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import { isUnder } from '../wire/name.ts';
import type { ScannedMessage, ScannedRecord } from './scan.ts';
import { soaMinimumS, targetOf } from './scan.ts';

/** What was asked. */
export interface Question {
  readonly name: NameKey;
  readonly type: number;
  readonly class: number;
}

/** What an answer is to the cache: `failure` says nothing of the name (RFC 9520, 2), `unfit` is not to be kept. */
export type AnswerKind = 'success' | 'denial' | 'failure' | 'unfit';

export interface Verdict {
  readonly kind: AnswerKind;
  /** How long the records say that it is good; 0 for failures, which say nothing. */
  readonly ttlS: number;
}

const UNFIT: Verdict = { kind: 'unfit', ttlS: 0 };

/**
 * Whether an answer may be given to others who ask the same. To be kept it has to answer the question, at the end of its
 * CNAMEs, or deny it with the SOA of a zone that the name is in (RFC 2308, 2 and 5), and have nothing else in the answer.
 */
export function judge(message: ScannedMessage, question: Question): Verdict {
  if ((message.flags & FLAG.truncated) !== 0) return UNFIT;
  const { rcode } = message;
  if (rcode !== RCODE.noError && rcode !== RCODE.nxDomain) return { kind: 'failure', ttlS: 0 };
  const answers = message.records.filter((record) => record.section === 'answer');
  const chain = followAliases(message, answers, question);
  if (chain === undefined || !answers.every((record) => belongs(record, chain))) return UNFIT;
  const last = chain.at(-1) ?? question.name;
  const isAnswered = answers.some((record) => record.owner === last && answersType(record, question));
  const shortestS = message.records.reduce((ttlS, record) => Math.min(ttlS, record.ttlS), Infinity);
  if (isAnswered) return rcode === RCODE.noError ? { kind: 'success', ttlS: shortestS } : UNFIT;
  const soa = message.records.find((record) => record.section === 'authority' && record.type === TYPE.SOA);
  if (soa === undefined || soa.class !== question.class || !isUnder(last, soa.owner)) return UNFIT;
  return { kind: 'denial', ttlS: Math.min(shortestS, soaMinimumS(message, soa)) };
}

/** The names from the question to the end of its CNAMEs, in whatever order those are; `undefined` for a circle. */
function followAliases(
  message: ScannedMessage,
  answers: readonly ScannedRecord[],
  question: Question,
): readonly NameKey[] | undefined {
  const aliases = answers.filter((record) => record.type === TYPE.CNAME && record.class === question.class);
  if (aliases.length === 0 || answersType({ type: TYPE.CNAME, class: question.class }, question)) {
    return [question.name];
  }
  const targets = new Map(aliases.map((record) => [record.owner, targetOf(message, record)]));
  const chain = new Set<NameKey>();
  for (let name: NameKey | undefined = question.name; name !== undefined; name = targets.get(name)) {
    if (chain.has(name)) return undefined;
    chain.add(name);
  }
  return [...chain];
}

function answersType(record: Pick<ScannedRecord, 'type' | 'class'>, question: Question): boolean {
  return record.class === question.class && (record.type === question.type || question.type === TYPE.ANY);
}

/** A DNAME, and the signature of one, are owned by a parent of the name that they move (RFC 6672). */
function belongs(record: ScannedRecord, chain: readonly NameKey[]): boolean {
  if (chain.includes(record.owner)) return true;
  const mayBeAbove = record.type === TYPE.DNAME || record.type === TYPE.RRSIG;
  return mayBeAbove && chain.some((name) => isUnder(name, record.owner));
}
