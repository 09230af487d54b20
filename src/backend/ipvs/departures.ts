import type { IpFamily } from '../../model/address.ts';
import { familyOf, parseIpAddress, socketAddress } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import { PROTOCOLS } from '../../model/service.ts';
import type { Marks } from './marks.ts';
import { serverKey, shortCutKey } from './names.ts';
import type { Leaving, Surroundings } from './surroundings.ts';
import { nativeKey } from './surroundings.ts';

/**
 * Which of the destinations that are leaving have no connection left, according to `/proc/net/ip_vs`: active or inactive ones,
 * as in kube-proxy. A destination that is not there any more counts as still leaving; the next reading sorts that out.
 */
export function departed(
  table: string,
  family: IpFamily,
  { leaving, marks }: Pick<Surroundings, 'leaving' | 'marks'>,
): Leaving {
  const names = new Map([...marks].map(([name, mark]) => [mark, name]));
  const done = new Map<string, Set<string>>();
  let key: string | undefined;
  for (const line of table.split('\n')) {
    if (!line.startsWith('  ->')) {
      key = parseServer(line, family, names);
      continue;
    }
    const [target = '', , weight, active, inactive] = line.slice('  ->'.length).trim().split(/\s+/);
    const address = parseSocket(target);
    if (key === undefined || address === undefined || weight !== '0' || active !== '0' || inactive !== '0') continue;
    if (leaving.get(key)?.has(address) !== true) continue;
    const addresses = done.get(key) ?? new Set();
    done.set(key, addresses.add(address));
  }
  return done;
}

/** `TCP  0A600001:0050 rr`, `FWM  6D480001 rr`; a mark is said without the family, but then its destinations have one. */
function parseServer(line: string, family: IpFamily, names: ReadonlyMap<number, string>): string | undefined {
  const [word = '', target = ''] = line.split(/\s+/);
  if (word === 'FWM') return shortCutKey(names.get(Number.parseInt(target, 16)) ?? '');
  const protocol = PROTOCOLS.find((name): name is Protocol => name === word.toLowerCase());
  const [address, port] = splitSocket(target);
  return protocol === undefined || address === undefined || familyOf(address) !== family
    ? undefined
    : serverKey(protocol, address, port);
}

function parseSocket(text: string): string | undefined {
  const [address, port] = splitSocket(text);
  return address === undefined ? undefined : socketAddress(address, port);
}

/** `0A600001:0050` or `[fd00:0000:…:0001]:0050`. */
function splitSocket(text: string): [ReturnType<typeof parseIpAddress>, number] {
  const colon = text.lastIndexOf(':');
  const port = Number.parseInt(text.slice(colon + 1), 16);
  const host = text.slice(0, colon);
  if (host.startsWith('[')) return [parseIpAddress(host.slice(1, -1)), port];
  const bytes = /^[0-9A-F]{8}$/.test(host) ? host.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) : undefined;
  return [parseIpAddress(bytes?.join('.') ?? ''), port];
}

/** The lines that remove destinations. */
export function removals(gone: Leaving, family: IpFamily, marks: Marks): readonly string[] {
  return [...gone].flatMap(([key, addresses]) =>
    [...addresses].map((address) => `-d ${nativeKey(family, key, marks)} -r ${address}`),
  );
}

/** What both have. */
export function stillLeaving(some: Leaving, others: Leaving): Leaving {
  return select(some, (key, address) => others.get(key)?.has(address) === true);
}

/** What the first has and the second has not. */
export function without(some: Leaving, others: Leaving): Leaving {
  return select(some, (key, address) => others.get(key)?.has(address) !== true);
}

function select(some: Leaving, wants: (key: string, address: string) => boolean): Leaving {
  return new Map(
    [...some]
      .map(([key, addresses]): [string, ReadonlySet<string>] => [
        key,
        new Set([...addresses].filter((address) => wants(key, address))),
      ])
      .filter(([, addresses]) => addresses.size > 0),
  );
}
