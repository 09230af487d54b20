import { expect, test } from 'vitest';
import { Counters } from '../../../src/dns/counters.ts';
import { exposeCounters } from '../../../src/dns/exposition.ts';
import { DEFAULT_ZONE_SETTINGS } from '../../../src/dns/zone/settings.ts';
import { ClusterZone } from '../../../src/dns/zone/zone.ts';
import type { DnsChange } from '../../../src/model/dns-change.ts';
import { dnsChangeOf } from '../../../src/model/dns-change.ts';
import { addressOctets } from '../../../src/model/dns-octets.ts';
import type { IpAddress } from '../../../src/model/address.ts';

function slice(service: string, address: string, triggeredDateMs?: number): DnsChange {
  const addresses = addressOctets(address as IpAddress);
  const value = { service: `default/${service}`, family: 'IPv4', addresses, ports: [] } as const;
  const change = { kind: 'EndpointSlice', name: `default/${service}-1`, value } as const;
  return triggeredDateMs === undefined ? change : { ...change, triggeredDateMs };
}

test('changes that can be seen and have a time are told, those of the start are not', () => {
  const told: (readonly [string, number])[] = [];
  const zone = new ClusterZone(DEFAULT_ZONE_SETTINGS, (kind, dateMs) => void told.push([kind, dateMs]));
  const services: readonly DnsChange[] = [
    { kind: 'Service', name: 'default/db', value: { kind: 'headless' } },
    { kind: 'Service', name: 'default/web', value: { kind: 'cluster', addresses: [], ports: [], programmed: false } },
  ];
  zone.apply([...services, slice('db', '10.0.0.1', 1)], 0);
  zone.setSynced();
  zone.apply([slice('db', '10.0.0.2', 2), slice('web', '10.0.0.3', 3)], 0);
  zone.apply([slice('db', '10.0.0.2', 4), slice('db', '10.0.0.5'), slice('gone', '10.0.0.6', 6)], 0);
  expect(told).toEqual([
    ['headless', 2],
    ['cluster', 3],
  ]);
});

test('the time of an event stays with the change of a slice', () => {
  const json = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'db-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: [],
    ports: [],
  };
  const event = { kind: 'EndpointSlice', name: 'default/db-1', json, triggeredDateMs: 7 } as const;
  expect(dnsChangeOf(event).change).toMatchObject({ name: 'default/db-1', triggeredDateMs: 7 });
});

test('the metrics have the names of CoreDNS; what has no labels is there from the start', () => {
  const counters = new Counters(2);
  const page = (): readonly string[] =>
    exposeCounters({ counters: [counters, new Counters(2)], zones: ['.', 'cluster.local.'], server: 'x' }).split('\n');
  expect(page()).toContain('coredns_panics_total 0');
  expect(page().join('\n')).not.toContain('service_kind');
  counters.countProgramming('headless_with_selector', 1.5);
  counters.countProgramming('headless_with_selector', 2_000_000);
  counters.countPanic();
  const name = 'coredns_kubernetes_dns_programming_duration_seconds';
  const kind = 'service_kind="headless_with_selector"';
  for (const line of [
    'coredns_panics_total 1',
    `${name}_bucket{${kind},le="0.001"} 0`,
    `${name}_bucket{${kind},le="0.002"} 1`,
    `${name}_bucket{${kind},le="524.288"} 1`,
    `${name}_bucket{${kind},le="+Inf"} 2`,
    `${name}_count{${kind}} 2`,
  ]) {
    expect(page()).toContain(line);
  }
});
