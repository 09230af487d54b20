import type { Cidr, IpAddress, IpFamily } from '../model/address.ts';
import { familyOf, IP_FAMILIES } from '../model/address.ts';
import { SluiceError } from '../base/errors.ts';
import type { CommandRunner } from './command.ts';
import { kernelFamilies } from './families.ts';
import { NftSession } from './nft-session.ts';

/** One in `ip` and one in `ip6`. */
const TABLE = 'sluice-dns';

const WORDS = {
  IPv4: { table: 'ip', type: 'ipv4_addr' },
  IPv6: { table: 'ip6', type: 'ipv6_addr' },
} as const satisfies Record<IpFamily, object>;

/** How packets of this node's pods are told from those of others. */
export type PodMatch =
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'bridge'; readonly interfaceName: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string };

export interface InterceptionPlan {
  /** Where this node answers itself. */
  readonly addresses: readonly IpAddress[];
  /** Whose queries are intercepted besides the node's own; of a family without an entry everybody's. */
  readonly pods: Readonly<Partial<Record<IpFamily, PodMatch>>>;
}

/**
 * Keeps DNS queries on this node for as long as somebody here vouches for the answers. They bypass connection tracking, and
 * with it the rules that would send them to the cluster's DNS. The kernel forgets the vouching by itself: a process
 * that died intercepts nothing.
 */
export class DnsInterception {
  readonly #runner: CommandRunner;
  readonly #lifeMs: number;
  readonly #session = new NftSession({ timeoutMs: 5000 });
  #families: readonly IpFamily[] = [];
  #line: Promise<unknown> = Promise.resolve();

  /** @param lifeMs how long one {@link vouch} lasts. */
  constructor(runner: CommandRunner, lifeMs: number) {
    this.#runner = runner;
    this.#lifeMs = lifeMs;
  }

  /**
   * Lays the rules, in place of those that are there; nothing is intercepted yet.
   *
   * @throws {SluiceError} `command-missing` without nft, `kernel-refused`.
   */
  async lay(plan: InterceptionPlan): Promise<void> {
    this.#families = kernelFamilies();
    const text = this.#families.map((family) => tableText(family, plan)).join('');
    const { exitCode, stderr } = await this.#runner.run('nft', ['-f', '-'], { input: text });
    if (exitCode !== 0) throw refused(stderr);
  }

  /**
   * Renews what lasts only so long.
   *
   * @param addresses those that are intercepted from now on, others no longer; `undefined`: nothing is renewed.
   * @param checkPorts source ports from which the node reaches its own DNS whether it is intercepted or not.
   * @throws {SluiceError} `kernel-refused`, and what {@link NftSession.run} throws.
   */
  async vouch(
    addresses: readonly IpAddress[] | undefined,
    checkPorts: Readonly<Partial<Record<IpFamily, number>>>,
  ): Promise<void> {
    const commands = this.#families.flatMap((family) => {
      const port = checkPorts[family];
      const own = addresses?.filter((address) => familyOf(address) === family);
      return [
        ...this.#renew(family, 'checks', port === undefined ? [] : [port]),
        ...(own === undefined ? [] : this.#renew(family, 'intercepted', own)),
      ];
    });
    await this.#run(commands.join('; '));
  }

  /** Intercepts nothing from now on. Resolves when that is so. @throws {SluiceError} as {@link vouch}. */
  async withdraw(): Promise<void> {
    await this.#run(this.#families.map((family) => flush(family, 'intercepted')).join('; '));
  }

  /** Removes everything. */
  async close(): Promise<void> {
    await this.#line.catch(() => undefined);
    await this.#session.close();
    await removeInterception(this.#runner);
  }

  /** Flushed and filled again at once: the kernels before 6.12 keep the old end of an element that is there already. */
  #renew(family: IpFamily, set: string, elements: readonly (string | number)[]): readonly string[] {
    const { table } = WORDS[family];
    const list = elements.map((element) => `${element} timeout ${this.#lifeMs}ms`).join(', ');
    return [flush(family, set), ...(list === '' ? [] : [`add element ${table} ${TABLE} ${set} { ${list} }`])];
  }

  #run(line: string): Promise<void> {
    const run = async (): Promise<void> => {
      if (line === '') return;
      const said = await this.#session.run(line);
      if (said !== '') throw refused(said);
    };
    const next = this.#line.then(run, run);
    this.#line = next;
    return next;
  }
}

/** @returns the addresses that the tables of an earlier process name as its own. @throws {SluiceError} without nft. */
export async function interceptedBefore(runner: CommandRunner): Promise<readonly string[]> {
  const found: string[] = [];
  for (const family of IP_FAMILIES) {
    const { exitCode, stdout } = await runner.run('nft', [
      '-j',
      'list',
      'set',
      WORDS[family].table,
      TABLE,
      'addresses',
    ]);
    if (exitCode !== 0) continue;
    const { nftables } = JSON.parse(stdout) as { nftables: readonly { set?: { elem?: readonly string[] } }[] };
    found.push(...nftables.flatMap(({ set }) => set?.elem ?? []));
  }
  return found;
}

/** @returns the tables that were there. @throws {SluiceError} without nft. */
export async function removeInterception(runner: CommandRunner): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const family of IP_FAMILIES) {
    const { table } = WORDS[family];
    const { exitCode } = await runner.run('nft', ['delete', 'table', table, TABLE]);
    if (exitCode === 0) removed.push(`table ${table} ${TABLE}`);
  }
  return removed;
}

function flush(family: IpFamily, set: string): string {
  return `flush set ${WORDS[family].table} ${TABLE} ${set}`;
}

/**
 * Replies are never tracked, whoever intercepts: tracked, they would bind the client's port to this node. The node's own
 * packets to an address of its own have that address as source, too, which no pod could answer once they are sent there.
 */
function tableText(family: IpFamily, { addresses, pods }: InterceptionPlan): string {
  const { table, type } = WORDS[family];
  const own = addresses.filter((address) => familyOf(address) === family);
  const dns = (direction: 'dport' | 'sport'): string => `meta l4proto { tcp, udp } th ${direction} 53`;
  return `add table ${table} ${TABLE}
delete table ${table} ${TABLE}
table ${table} ${TABLE} {
  set addresses { type ${type}; ${own.length === 0 ? '' : `elements = { ${own.join(', ')} };`} }
  set intercepted { type ${type}; flags timeout; }
  set checks { type inet_service; flags timeout; }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    ${podText(table, pods[family])}${table} daddr @intercepted ${dns('dport')} notrack
  }
  chain output {
    type filter hook output priority raw; policy accept;
    ${table} daddr @intercepted ${dns('dport')} notrack
    ${table} daddr @addresses udp dport 53 udp sport @checks notrack
    ${table} saddr @addresses ${dns('sport')} notrack
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${table} saddr @addresses ct status dnat masquerade
  }
}
`;
}

function podText(table: string, match: PodMatch | undefined): string {
  switch (match?.kind) {
    case undefined:
      return '';
    case 'cidr':
      return `${table} saddr ${match.cidr} `;
    case 'bridge':
      return `iifname "${match.interfaceName}" `;
    case 'interface-prefix':
      return `iifname "${match.prefix}*" `;
  }
}

function refused(said: string): SluiceError {
  const [line = 'nft said nothing'] = said.trim().split('\n');
  return new SluiceError({
    code: 'kernel-refused',
    message: `the rules that keep DNS queries on this node cannot be written: ${line}`,
    data: { file: 'nft' },
  });
}
