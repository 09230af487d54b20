import { array, assert, boolean, constantFrom, integer, option, property, record, uniqueArray } from 'fast-check';
import { expect, test } from 'vitest';
import { TYPE } from '../../../../src/dns/wire/constants.ts';
import { encodeName } from '../../../../src/dns/wire/name.ts';
import {
  addressText,
  dashedLabel,
  parseDashed,
  parseReverse,
  reverseName,
} from '../../../../src/dns/zone/address-labels.ts';
import { labelsOf } from '../../../../src/dns/wire/name.ts';
import { DEFAULT_ZONE_SETTINGS } from '../../../../src/dns/zone/settings.ts';
import { ClusterZone } from '../../../../src/dns/zone/zone.ts';
import type { DnsChange } from '../../../../src/model/dns-change.ts';

const SERVICES = ['a/x', 'a/y', 'b/x'] as const;
const SLICES = ['a/x-1', 'a/x-2', 'a/y-1', 'b/x-1'] as const;
const address = integer({ min: 1, max: 6 }).map((n) => String.fromCharCode(10, 0, 0, n));
const address6 = integer({ min: 1, max: 3 }).map((n) => `\xfd${'\0'.repeat(14)}${String.fromCharCode(n)}`);
const port = record({
  name: constantFrom('', 'http', 'dns'),
  protocol: constantFrom('tcp', 'udp'),
  port: integer({ min: 1, max: 3 }),
});
const ports = uniqueArray(port, { maxLength: 2, selector: ({ name, protocol }) => `${name}/${protocol}` });

const service = constantFrom('cluster', 'headless', 'external').chain((kind) =>
  record({ address, second: option(address6), ports, programmed: boolean() }).map((made) => {
    if (kind === 'headless') return { kind } as const;
    if (kind === 'external') return { kind, target: 'x.b.svc.cluster.local' } as const;
    const addresses = [made.address, ...(made.second === null ? [] : [made.second])];
    return { kind: 'cluster', addresses, ports: made.ports, programmed: made.programmed } as const;
  }),
);

const slice = record({
  service: constantFrom(...SERVICES),
  addresses: uniqueArray(address, { maxLength: 3 }),
  named: boolean(),
  ports,
}).map((made) => ({
  service: made.service,
  family: 'IPv4' as const,
  addresses: made.addresses.join(''),
  ...(made.named ? { hosts: made.addresses.map((_, i) => (i === 0 ? 'h0' : '')) } : {}),
  ports: made.ports,
}));

const change = constantFrom('Service', 'EndpointSlice', 'Namespace', 'Pod', 'Programmed').chain((kind) => {
  switch (kind) {
    case 'Service':
      return record({ name: constantFrom(...SERVICES), value: option(service, { nil: undefined }) }).map(
        (made): DnsChange => ({ kind, ...made }),
      );
    case 'EndpointSlice':
      return record({ name: constantFrom(...SLICES), value: option(slice, { nil: undefined }) }).map(
        (made): DnsChange => ({ kind, ...made }),
      );
    case 'Namespace':
      return record({ name: constantFrom('a', 'c'), value: constantFrom(true as const, undefined) }).map(
        (made): DnsChange => ({ kind, ...made }),
      );
    case 'Pod':
      return record({ name: constantFrom('a/p', 'c/p'), addresses: option(address) }).map(
        (made): DnsChange => ({
          kind,
          name: made.name,
          value: made.addresses === null ? undefined : { addresses: [made.addresses] },
        }),
      );
    default:
      return record({
        name: constantFrom(...SERVICES),
        value: option(array(address, { maxLength: 2 }), { nil: undefined }),
      }).map((made): DnsChange => ({ kind: 'Programmed', ...made }));
  }
});

const NAMES = [
  ...['a', 'b', 'c'].flatMap((namespace) => [
    `${namespace}.svc`,
    `${namespace}.pod`,
    `10-0-0-1.${namespace}.pod`,
    `10-0-0-2.${namespace}.pod`,
  ]),
  ...SERVICES.flatMap((name) => {
    const base = `${name.split('/').toReversed().join('.')}.svc`;
    return ['', '_tcp.', '_http._tcp.', '_dns._udp.', 'h0.', '10-0-0-1.', '10-0-0-2.'].map((below) => below + base);
  }),
].map((name) => encodeName(`${name}.cluster.local`) ?? '');
const REVERSE = [1, 2, 3, 4, 5, 6].map((n) => reverseName(String.fromCharCode(10, 0, 0, n)));
const QUESTIONS = [
  ...NAMES.flatMap((name) => [TYPE.A, TYPE.AAAA, TYPE.SRV].map((type) => [name, type] as const)),
  ...REVERSE.map((name) => [name, TYPE.PTR] as const),
];

const settings = { ...DEFAULT_ZONE_SETTINGS, gated: true, pods: 'verified' as const };

function everything(zone: ClusterZone): readonly object[] {
  return QUESTIONS.map(([name, type]) => {
    const { zone: _zone, ...finding } = zone.find(name, type);
    return finding;
  });
}

test('changes, with questions in between, end in what their last states would make', () => {
  assert(
    property(array(change, { maxLength: 40 }), boolean(), (changes, reversed) => {
      const grown = new ClusterZone(settings);
      for (const one of changes) {
        grown.apply([one], 1);
        everything(grown);
      }
      const last = [...new Map(changes.map((one) => [`${one.kind} ${one.name}`, one])).values()];
      const fresh = new ClusterZone(settings);
      fresh.apply(reversed ? last.toReversed() : last, 1);
      expect(everything(grown)).toEqual(everything(fresh));
    }),
    { numRuns: 150 },
  );
});

test('what is taken away leaves nothing behind', () => {
  assert(
    property(array(change, { maxLength: 40 }), (changes) => {
      const zone = new ClusterZone(settings);
      zone.apply(changes, 1);
      zone.apply(
        changes.map((one) => ({ ...one, value: undefined })),
        2,
      );
      expect(everything(zone)).toEqual(everything(new ClusterZone(settings)));
    }),
    { numRuns: 100 },
  );
});

test('a state that is told again changes nothing, not even the serial', () => {
  assert(
    property(array(change, { maxLength: 20 }), (changes) => {
      const zone = new ClusterZone(settings);
      zone.apply(changes, 1);
      const last = [...new Map(changes.map((one) => [`${one.kind} ${one.name}`, one])).values()];
      const before = zone.serial;
      expect(zone.apply(structuredClone(last), 2)).toBe(false);
      expect(zone.serial).toBe(before);
    }),
    { numRuns: 100 },
  );
});

test('addresses survive as labels and as reverse names', () => {
  const octets = (length: number) =>
    array(integer({ min: 0, max: 255 }), { minLength: length, maxLength: length }).map((numbers) =>
      String.fromCharCode(...numbers),
    );
  assert(
    property(
      boolean().chain((v6) => octets(v6 ? 16 : 4)),
      (found) => {
        // Such an address is that IPv4 address.
        if (found.startsWith(`${'\0'.repeat(10)}\xff\xff`)) return;
        expect(parseDashed(dashedLabel(found))).toBe(found);
        const name = reverseName(found);
        expect(parseReverse(name, labelsOf(name))).toBe(found);
        expect(addressText(found)).not.toBe('');
      },
    ),
  );
});
