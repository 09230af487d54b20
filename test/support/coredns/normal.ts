import { isDeepStrictEqual } from 'node:util';
import type { DnsQuery, DnsReply } from './message.ts';

/** Stands for the name that was asked for, in the client's spelling. */
export const ASKED = '@';

/**
 * The reply with all names in lower case but owners of answers, which are {@link ASKED} where they have the client's spelling:
 * the case of other names is that of an object here and of the question there, and means nothing.
 */
export function normal(reply: DnsReply, { name }: DnsQuery): DnsReply {
  const owner = `${name}. `;
  const lower = (text: string): string => text.toLowerCase();
  const asked = (text: string): string =>
    text.startsWith(owner) ? `${ASKED} ${lower(text.slice(owner.length))}` : lower(text);
  return sorted({
    ...reply,
    answer: reply.answer.map(asked),
    authority: reply.authority.map(lower),
    additional: reply.additional.map(lower),
  });
}

function sorted(reply: DnsReply): DnsReply {
  const { answer, authority, additional } = reply;
  return { ...reply, answer: answer.toSorted(), authority: authority.toSorted(), additional: additional.toSorted() };
}

/** @returns the flags with one more, or with one less. */
export function withFlag(flags: string, flag: string, set = true): string {
  const all = new Set(flags.split(' ').filter(Boolean));
  if (set) all.add(flag);
  else all.delete(flag);
  return ['aa', 'tc', 'rd', 'ra', 'ad', 'cd'].filter((known) => all.has(known)).join(' ');
}

export function hasFlag({ flags }: DnsReply, flag: string): boolean {
  return flags.split(' ').includes(flag);
}

export function isSame(a: DnsReply, b: DnsReply): boolean {
  return isDeepStrictEqual(sorted(a), sorted(b));
}
