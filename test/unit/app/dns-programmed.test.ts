import { expect, test } from 'vitest';
import { ProgrammedAddresses } from '../../../src/app/dns-programmed.ts';
import { PersistentMap } from '../../../src/base/persistent-map.ts';
import type { Plan, ServicePlan } from '../../../src/compiler/plan.ts';
import type { IpFamily } from '../../../src/model/address.ts';
import { parseIpAddress } from '../../../src/model/address.ts';
import { addressOctets } from '../../../src/model/dns-octets.ts';

const VERDICT = { pod: { kind: 'reject' }, node: { kind: 'reject' }, outside: { kind: 'reject' } } as const;

function ip(text: string): NonNullable<ReturnType<typeof parseIpAddress>> {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(text);
  return address;
}

/** A plan in which these ports (`default/web:http/tcp`) have these cluster addresses. */
function planOf(family: IpFamily, ports: Readonly<Record<string, string>>): { family: IpFamily; plan: Plan } {
  const services = PersistentMap.empty<ServicePlan>().update((draft) => {
    for (const [key, text] of Object.entries(ports)) {
      const frontends = [{ kind: 'cluster-ip', address: ip(text), port: 80, verdict: VERDICT } as const];
      draft.set(key, { key, name: key, protocol: 'tcp', pools: { cluster: [], local: [] }, frontends });
    }
  });
  const node = { nodePortAddresses: { kind: 'all', loopback: false }, clusterIpMasquerade: 'never' } as const;
  return { family, plan: { family, node: { ...node, serviceCidrs: [] }, services } };
}

function programmed(name: string, ...addresses: readonly string[]): object {
  const value = addresses.length === 0 ? undefined : addresses.map((text) => addressOctets(ip(text)));
  return { kind: 'Programmed', name, value };
}

test('a Service has the addresses of both families, however many ports it has', () => {
  const addresses = new ProgrammedAddresses();
  const four = planOf('IPv4', { 'default/web:http/tcp': '10.96.0.1', 'default/web:https/tcp': '10.96.0.1' });
  expect(addresses.update(four)).toEqual([programmed('default/web', '10.96.0.1')]);
  expect(addresses.update(four)).toEqual([]);
  const six = planOf('IPv6', { 'default/web:http/tcp': 'fd00::1' });
  expect(addresses.update(six)).toEqual([programmed('default/web', '10.96.0.1', 'fd00::1')]);
  expect(addresses.addressesOf('default/web')).toEqual(['10.96.0.1', 'fd00::1']);
});

test('an address stays until the last port of it has gone', () => {
  const addresses = new ProgrammedAddresses();
  addresses.update(planOf('IPv4', { 'default/web:http/tcp': '10.96.0.1', 'default/web:https/tcp': '10.96.0.1' }));
  const one = planOf('IPv4', { 'default/web:https/tcp': '10.96.0.1' });
  expect(addresses.update(one)).toEqual([programmed('default/web', '10.96.0.1')]);
  expect(addresses.update(planOf('IPv4', {}))).toEqual([programmed('default/web')]);
  expect(addresses.addressesOf('default/web')).toEqual([]);
});

test('another address takes the place of the one before', () => {
  const addresses = new ProgrammedAddresses();
  addresses.update(planOf('IPv4', { 'default/web:http/tcp': '10.96.0.1' }));
  const moved = planOf('IPv4', { 'default/web:http/tcp': '10.96.0.2' });
  expect(addresses.update(moved)).toEqual([programmed('default/web', '10.96.0.2')]);
});
