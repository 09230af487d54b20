import { writeFile } from 'node:fs/promises';
import type { Variant } from '../../src/backend/xtables/variant.ts';
import { VARIANTS } from '../../src/backend/xtables/variant.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';

const INFIX = { nf_tables: '-nft', legacy: '-legacy' } as const satisfies Record<Variant, string>;
const PROGRAM = { IPv4: 'iptables', IPv6: 'ip6tables' } as const satisfies Record<IpFamily, string>;

/** Runs a program of the machine. @returns its output. @throws when it fails, with what it said. */
export async function run(file: string, args: readonly string[], input = ''): Promise<string> {
  const { exitCode, stdout, stderr } = await systemRunner.run(file, args, { input });
  if (exitCode !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

export async function nft(rules: string): Promise<void> {
  await run('nft', ['-f', '-'], rules);
}

/** Adds rules in the language of iptables-restore to what is there. */
export async function iptables(variant: Variant, family: IpFamily, rules: string): Promise<void> {
  await run(`${PROGRAM[family]}${INFIX[variant]}-restore`, ['--noflush'], rules);
}

/**
 * What `iptables-save` prints that says something: `nat :CNI-HOSTPORT -`, `nat -A PREROUTING -j CNI-HOSTPORT`. Left out are
 * counters, and built-in chains that are as in a table which has just been made, so that a new table is not a change.
 */
export async function saved(variant: Variant, family: IpFamily): Promise<readonly string[]> {
  const lines = (await run(`${PROGRAM[family]}${INFIX[variant]}-save`, [])).split('\n');
  const result: string[] = [];
  let table = '';
  for (const line of lines) {
    if (line.startsWith('*')) table = line.slice(1);
    const text = line.replace(/ \[\d+:\d+\]$/, '');
    if (/^(?::|-A )/.test(text) && !/^:[A-Z]+ ACCEPT$/.test(text)) result.push(`${table} ${text}`);
  }
  return result;
}

/** Removes all rules, whoever made them, and all connections. */
export async function emptyMachine(): Promise<void> {
  await run('nft', ['flush', 'ruleset']);
  await emptyLegacyTables();
  await run('ipset', ['destroy']);
  await run('conntrack', ['-F']);
}

/** Removes all rules of legacy iptables. */
export async function emptyLegacyTables(): Promise<void> {
  for (const family of IP_FAMILIES) {
    const program = `${PROGRAM[family]}-legacy`;
    const text = await run(`${program}-save`, []);
    // Without --noflush, what is not named is removed.
    await run(
      `${program}-restore`,
      [],
      text.replace(/^-A .*\n|^:.* - .*\n/gm, '').replace(/^(:\w+) DROP/gm, '$1 ACCEPT'),
    );
  }
}

/** Chains and rules that kubelet makes on every node, in the variant of iptables that the node uses. */
export async function writeKubeletRules(variant: Variant): Promise<void> {
  for (const family of IP_FAMILIES) {
    const localnet =
      '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" ' +
      '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP';
    await iptables(
      variant,
      family,
      [
        '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT',
        '*nat\n:KUBE-KUBELET-CANARY - [0:0]\nCOMMIT',
        '*filter\n:KUBE-FIREWALL - [0:0]\n:KUBE-KUBELET-CANARY - [0:0]',
        '-A INPUT -j KUBE-FIREWALL\n-A OUTPUT -j KUBE-FIREWALL',
        ...(family === 'IPv4' ? [localnet] : []),
        'COMMIT\n',
      ].join('\n'),
    );
  }
}

/** Stress leaves thousands of UDP connections behind; the kernel's table must not fill up with them. */
export async function forgetUdpSoon(): Promise<void> {
  for (const name of ['nf_conntrack_udp_timeout', 'nf_conntrack_udp_timeout_stream']) {
    await writeFile(`/proc/sys/net/netfilter/${name}`, '3');
  }
}

/** Both variants of iptables, in both families. */
export const SAVES = VARIANTS.flatMap((variant) => IP_FAMILIES.map((family) => ({ variant, family })));

/** {@link saved} for each of {@link SAVES}. */
export async function savedAll(): Promise<Readonly<Record<string, readonly string[]>>> {
  const entries: [string, readonly string[]][] = [];
  for (const { variant, family } of SAVES) entries.push([`${variant} ${family}`, await saved(variant, family)]);
  return Object.fromEntries(entries);
}

/** nft's tables (`ip sluice`), without those that belong to the nf_tables variant of iptables. */
export async function nftTables(): Promise<readonly string[]> {
  const tables = (await run('nft', ['list', 'tables'])).split('\n').map((line) => line.replace(/^table /, ''));
  return tables.filter((table) => table !== '' && !/^ip6? (?:filter|nat|mangle|raw|security)$/.test(table));
}
