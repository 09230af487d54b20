import type { Circumstances } from './circumstances.ts';
import type { DnsReply } from './message.ts';
import { isInZone } from './names.ts';
import { ASKED, hasFlag, withFlag } from './normal.ts';
import { aliasOf } from './rules.ts';

/**
 * What is said of an ExternalName Service, put together from what is said of its parts: the alias always, then all that the
 * target has, and the response code of the target.
 */
export function followed(reply: DnsReply, about: Circumstances): DnsReply {
  const { name, type, expected } = about;
  const first = aliasOf(name, about);
  if (type === 'CNAME' || type === 'ANY' || first === undefined) return reply;
  const { chain, end } = chainOf(name, about);
  const flags = withFlag(reply.flags, 'aa');
  const part = { additional: [], authority: [], flags };
  if (end === undefined) return { ...reply, ...part, rcode: 'SERVFAIL', answer: chain };
  const target = expected(end, type);
  if (target === undefined) return reply;
  const { rcode, answer, authority } = target;
  if (rcode === 'SERVFAIL') return { ...reply, ...part, rcode, answer: [], flags: withFlag(flags, 'aa', false) };
  const records = answer.map((text) => ownedBy(end, text));
  return {
    ...reply,
    ...part,
    flags: withFlag(flags, 'tc', hasFlag(target, 'tc')),
    rcode,
    authority,
    answer: [...chain, ...records],
  };
}

/** All aliases, and the first name that is none; no such name where they lead in a circle. */
function chainOf(
  name: string,
  about: Circumstances,
): { readonly chain: readonly string[]; readonly end: string | undefined } {
  const chain: string[] = [];
  const seen = new Set<string>();
  let owner = name;
  for (let alias = aliasOf(owner, about); alias !== undefined; alias = aliasOf(owner, about)) {
    chain.push(owner === name ? alias : ownedBy(owner, alias));
    seen.add(owner);
    owner = (alias.split(' ')[3] ?? '').replace(/\.$/, '');
    if (seen.has(owner)) return { chain, end: undefined };
    if (!isInZone(owner)) break;
  }
  return { chain, end: owner };
}

function ownedBy(owner: string, text: string): string {
  return text.replace(new RegExp(`^${ASKED} `), `${owner}. `);
}
