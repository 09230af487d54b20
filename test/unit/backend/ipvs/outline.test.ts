import { expect, test } from 'vitest';
import type { OutlineSources } from '../../../../src/backend/ipvs/outline.ts';
import { outlineOf } from '../../../../src/backend/ipvs/outline.ts';
import { atOnce } from '../../../../src/base/steps.ts';
import type { IpFamily } from '../../../../src/model/address.ts';

const head = (name: string, entries: number, references = 1): string =>
  `Name: ${name}\nType: hash:ip,port\nRevision: 6\nHeader: family inet hashsize 1024\nSize in memory: ${entries * 64}\n` +
  `References: ${references}\nNumber of entries: ${entries}\n\n`;

const address = (text: string): string =>
  `9: kube-ipvs0    ${text} scope global kube-ipvs0\\       valid_lft forever\n`;

const HEADERS =
  'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n';

const destination = (socket: string, weight = 1, active = 0): string =>
  `  -> ${socket}      Masq    ${weight}      ${active}          0         \n`;

const TABLE = `${HEADERS}TCP  0A600001:0050 rr \n${destination('0AF40101:1F90')}FWM  6D480001 rr \n${destination('0AF40102:1F90')}TCP  [fd00:0010:0096:0000:0000:0000:0000:0001]:0050 rr \n${destination('[fd00:0010:0244:0001:0000:0000:0000:0001]:1F90')}`;

const SOURCES: OutlineSources = {
  setHeads: head('KUBE-CLUSTER-IP', 3) + head('KUBE-6-CLUSTER-IP', 3) + head('OTHERS', 7),
  addresses: address('inet 10.96.0.1/32') + address('inet6 fd00:10:96::1/128'),
  table: TABLE,
};

/** The families for which it shows. */
function shown(changes: Partial<OutlineSources>): readonly IpFamily[] {
  return (['IPv4', 'IPv6'] as const).filter(
    (family) => atOnce(outlineOf(SOURCES, family)) !== atOnce(outlineOf({ ...SOURCES, ...changes }, family)),
  );
}

test.each<[string, Partial<OutlineSources>, readonly IpFamily[]]>([
  ['an entry less', { setHeads: SOURCES.setHeads.replace('entries: 3', 'entries: 2') }, ['IPv4']],
  ['a set less', { setHeads: head('KUBE-CLUSTER-IP', 3) }, ['IPv6']],
  ['an address less', { addresses: address('inet 10.96.0.1/32') }, ['IPv6']],
  ['the device gone', { addresses: undefined }, ['IPv4', 'IPv6']],
  ['all virtual servers gone', { table: HEADERS }, ['IPv4', 'IPv6']],
  ['a weight', { table: TABLE.replace(destination('0AF40101:1F90'), destination('0AF40101:1F90', 0)) }, ['IPv4']],
  ['a destination less', { table: TABLE.replace(/ {2}-> \[fd00.*\n/, '') }, ['IPv6']],
  ['a scheduler', { table: TABLE.replace('0050 rr', '0050 wlc') }, ['IPv4']],
  ['a mark less', { table: TABLE.replace(/FWM.*\n/, '') }, ['IPv4', 'IPv6']],
])('%s shows', (_what, changes, families) => {
  expect(shown(changes)).toEqual(families);
});

test('connections, references, memory and sets of others do not show', () => {
  const setHeads = head('KUBE-CLUSTER-IP', 3, 2) + head('KUBE-6-CLUSTER-IP', 3) + head('OTHERS', 8);
  const table = TABLE.replace(destination('0AF40101:1F90'), destination('0AF40101:1F90', 1, 1234));
  expect(shown({ setHeads: setHeads.replaceAll(/memory: \d+/g, 'memory: 1') })).toEqual([]);
  expect(shown({ table })).toEqual([]);
});
