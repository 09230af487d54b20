import { describe, expect, it } from 'vitest';
import { decodeEndpointSlice } from '../../../src/model/decode-endpoint-slice.ts';
import { sliceObject } from '../../support/objects.ts';

const READY = { ready: true, serving: true, terminating: false, zoneHints: [], nodeHints: [] };
const labels = (text: string) => ({ labels: { 'kubernetes.io/service-name': text } });

it('reads a slice', () => {
  const endpoints = [
    {
      addresses: ['10.244.1.7', '10.244.1.8'],
      nodeName: 'a',
      hints: { forZones: [{ name: 'z1' }], forNodes: [{ name: 'a' }] },
    },
  ];
  expect(decodeEndpointSlice(sliceObject({ endpoints }))).toEqual({
    value: {
      name: 'default/web-abc',
      service: 'default/web',
      ports: [
        {
          name: 'http',
          protocol: 'tcp',
          endpoints: [
            { ...READY, address: '10.244.1.7', port: 8080, nodeName: 'a', zoneHints: ['z1'], nodeHints: ['a'] },
          ],
        },
      ],
    },
    problems: [],
  });
});

describe('conditions', () => {
  const cases: readonly [string, unknown, object][] = [
    ['absent', undefined, {}],
    ['null', { ready: null, serving: null, terminating: null }, {}],
    ['not ready: serving stays true', { ready: false }, { ready: false }],
    ['terminating', { ready: false, serving: true, terminating: true }, { ready: false, terminating: true }],
    ['down', { ready: false, serving: false }, { ready: false, serving: false }],
  ];
  it.each(cases)('%s', (_name, conditions, expected) => {
    const decoded = decodeEndpointSlice(sliceObject({ endpoints: [{ addresses: ['10.0.0.1'], conditions }] }));
    expect(decoded.value?.ports[0]?.endpoints).toEqual([{ ...READY, address: '10.0.0.1', port: 8080, ...expected }]);
  });
});

describe('ports', () => {
  const cases: readonly [string, unknown, readonly string[], readonly string[]][] = [
    ['no name, no protocol', [{ port: 1 }], ['/tcp 10.0.0.1:1'], []],
    ['no number', [{ name: 'a' }, { name: 'b', port: 2 }], ['b/tcp 10.0.0.1:2'], ['ports[0].port: is missing']],
    [
      'two numbers for one name',
      [
        { name: 'a', port: 2 },
        { name: 'b', port: 3 },
        { name: 'a', port: 1 },
      ],
      ['a/tcp 10.0.0.1:1 10.0.0.1:2', 'b/tcp 10.0.0.1:3'],
      [],
    ],
    ['number 0', [{ name: 'a', port: 0 }], [], ['ports[0].port: 0 is not a port number (1 to 65535)']],
    ['a name that is none', [{ name: 'a"', port: 1 }], [], ['ports[0].name: "a\\"" is not a valid port name']],
  ];
  it.each(cases)('%s', (_name, ports, expected, problems) => {
    const decoded = decodeEndpointSlice(sliceObject({ ports, endpoints: [{ addresses: ['10.0.0.1'] }] }));
    const found = decoded.value?.ports.map((port) =>
      [`${port.name}/${port.protocol}`, ...port.endpoints.map((at) => `${at.address}:${at.port}`)].join(' '),
    );
    expect(found).toEqual(expected);
    expect(decoded.problems.map(({ path, message, effect }) => `${effect} ${path}: ${message}`)).toEqual(
      problems.map((text) => `ignored ${text}`),
    );
  });
});

describe('bad endpoints are left out, the others stay', () => {
  const cases: readonly [string, unknown, string][] = [
    ['no address', { addresses: [] }, 'endpoints[0].addresses: is empty'],
    ['not an address', { addresses: ['pod-7'] }, 'endpoints[0].addresses[0]: "pod-7" is not an IP address'],
    ['blank', { addresses: [' '] }, 'endpoints[0].addresses[0]: " " is missing'],
    [
      'other family',
      { addresses: ['fd00::1'] },
      'endpoints[0].addresses[0]: "fd00::1" is not an IPv4 address, but the slice is of addressType IPv4',
    ],
    [
      'loopback',
      { addresses: ['127.0.0.1'] },
      'endpoints[0].addresses[0]: "127.0.0.1" is an address that no endpoint can have',
    ],
    [
      'condition',
      { addresses: ['10.0.0.1'], conditions: { ready: 'yes' } },
      'endpoints[0].conditions.ready: "yes" is not true or false',
    ],
    ['not an object', 5, 'endpoints[0]: 5 is not an object'],
  ];
  it.each(cases)('%s', (_name, endpoint, message) => {
    const { value, problems } = decodeEndpointSlice(
      sliceObject({ endpoints: [endpoint, { addresses: ['10.0.0.2'] }] }),
    );
    expect(value?.ports[0]?.endpoints.map(({ address }) => address)).toEqual(['10.0.0.2']);
    expect(problems.map((problem) => `${problem.path}: ${problem.message}`)).toEqual([message]);
    expect(problems[0]?.effect).toBe('ignored');
  });
});

describe('no value', () => {
  const cases: readonly [string, Parameters<typeof sliceObject>[0], readonly string[]][] = [
    ['host names', { addressType: 'FQDN' }, []],
    ['headless', { metadata: { labels: { 'service.kubernetes.io/headless': '' } } }, []],
    ['no Service', { metadata: { labels: undefined } }, ['metadata.labels["kubernetes.io/service-name"]: is missing']],
    [
      'a Service name that is none',
      { metadata: labels('a\nb') },
      ['metadata.labels["kubernetes.io/service-name"]: "a\\nb" is not a valid Service name'],
    ],
    ['no list', { endpoints: 5 }, ['endpoints: 5 is not a list']],
    ['address type', { addressType: 'IP' }, ['addressType: "IP" is not one of IPv4, IPv6, FQDN']],
    ['name', { metadata: { name: 'a b' } }, ['metadata.name: "a b" is not a valid name']],
  ];
  it.each(cases)('%s', (_name, parts, expected) => {
    const { value, problems } = decodeEndpointSlice(sliceObject(parts));
    expect(value).toBeUndefined();
    expect(problems.map((problem) => `${problem.path}: ${problem.message}`)).toEqual(expected);
  });
});

it('takes names with dots for slices', () => {
  expect(decodeEndpointSlice(sliceObject({ metadata: { name: 'web.v2-abc' } })).value?.name).toBe('default/web.v2-abc');
});
