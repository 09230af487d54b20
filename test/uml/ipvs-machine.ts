import { backendNamed } from '../../src/backend/registry.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { emptyLegacyTables, run, saved } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import type { ProgramService } from '../support/program-objects.ts';
import type { ProgramVariant } from '../support/program-variants.ts';

/** This kernel's nft has no IPv4 and IPv6, and so neither has the newer iptables. */
export const IPVS_VARIANT: ProgramVariant = { title: 'ipvs', backend: backendNamed('ipvs'), iptables: 'legacy' };
export const IPTABLES_VARIANT: ProgramVariant = {
  title: 'iptables (legacy)',
  backend: backendNamed('iptables'),
  iptables: 'legacy',
};

/** A node whose machine is ready for IPVS, with these Services in its store. */
export async function openIpvsNode(
  services: readonly ProgramService[],
  flags: Readonly<Record<string, unknown>> = {},
): Promise<ProgramNode> {
  const node = new ProgramNode({ ...IPVS_VARIANT, flags }, services, { cleansFlows: true });
  await node.prepare();
  return node;
}

/** Everything that IPVS, ipset, iptables and interfaces hold; comparable, without counters. */
export interface IpvsMachine {
  readonly servers: readonly string[];
  readonly ipsets: readonly string[];
  readonly addresses: readonly string[];
  readonly iptables: readonly (readonly string[])[];
}

export async function ipvsMachine(): Promise<IpvsMachine> {
  const [servers, ipsets, addresses, ...iptables] = await Promise.all([
    lines('ipvsadm', ['--save', '--numeric']),
    lines('ipset', ['save']),
    lines('ip', ['-oneline', 'address']),
    ...IP_FAMILIES.map((family) => saved('legacy', family)),
  ]);
  return { servers: servers.toSorted(), ipsets: ipsets.toSorted(), addresses, iptables };
}

async function lines(file: string, args: readonly string[]): Promise<readonly string[]> {
  return (await run(file, args)).split('\n').filter((line) => line !== '');
}

/** A destination of a virtual server: `10.244.2.10:8080`, and how many new connections it gets. */
export interface Destination {
  readonly address: string;
  readonly weight: number;
}

/** The destinations that the kernel has for a virtual server such as `10.96.0.10:80`. */
export async function destinationsOf(protocol: 'tcp' | 'udp', server: string): Promise<readonly Destination[]> {
  const all = await lines('ipvsadm', ['--save', '--numeric']);
  const letter = protocol === 'tcp' ? '-t' : '-u';
  return all
    .map((line) => line.split(' '))
    .filter((words) => words[0] === '-a' && words[1] === letter && words[2] === server)
    .map((words) => ({
      address: words[words.indexOf('-r') + 1] ?? '',
      weight: Number(words[words.indexOf('-w') + 1]),
    }));
}

/** Removes all of it, whoever made it, and all connections. */
export async function emptyIpvsMachine(): Promise<void> {
  await run('ipvsadm', ['--clear']);
  await emptyLegacyTables();
  await run('ipset', ['destroy']);
  // Either may be there, or not.
  for (const device of ['kube-ipvs0', 'others0']) await systemRunner.run('ip', ['link', 'del', device]);
  await run('conntrack', ['-F']);
}
