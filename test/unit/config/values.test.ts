import { describe, expect, it } from 'vitest';
import {
  durationText,
  listenAddressText,
  parseDurationMs,
  parseGate,
  parseInteger,
  parseInterfaceName,
  parseListenAddress,
  parseLogLevel,
  parseNumber,
  parseProxyMode,
  parseScheduler,
  parseStubDomains,
} from '../../../src/config/values.ts';

describe('durations', () => {
  const cases: readonly [string, number | undefined][] = [
    ['0', 0],
    ['250ms', 250],
    ['1.5s', 1500],
    ['1h30m', 5_400_000],
    ['1m0s', 60_000],
    ['5', undefined],
    ['-1s', -1000],
    ['+2s', 2000],
    ['1.s', 1000],
    ['15us', 0.015],
    ['15µs', 0.015],
    ['1ns', 0.000_001],
    ['-0', 0],
    ['1d', undefined],
    ['1s ', undefined],
    ['', undefined],
    ['.5s', 500],
    ['.s', undefined],
    ['s', undefined],
  ];
  it.each(cases)('%j', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });
});

describe('durations as Go writes them', () => {
  const cases: readonly [number, string][] = [
    [0, '0s'],
    [250, '250ms'],
    [1500, '1.5s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [86_401_500, '24h0m1.5s'],
    [0.5, '500000ns'],
  ];
  it.each(cases)('%d', (ms, text) => {
    expect(durationText(ms)).toBe(text);
    expect(parseDurationMs(text)).toBe(ms);
  });
});

describe('addresses to listen on', () => {
  const cases: readonly [string, object | undefined][] = [
    ['10.0.0.1', { host: '10.0.0.1' }],
    ['::', { host: '::' }],
    ['10.0.0.1:80', { host: '10.0.0.1', port: 80 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['[::1]', undefined],
    [':80', undefined],
    ['localhost:80', undefined],
    ['10.0.0.1:0', undefined],
    ['10.0.0.1:65536', undefined],
    ['10.0.0.1:', undefined],
    ['', undefined],
  ];
  it.each(cases)('%j', (text, expected) => {
    const parsed = parseListenAddress(text);
    expect(parsed).toEqual(expected);
    if (parsed !== undefined) expect(listenAddressText(parsed)).toBe(text);
  });
});

it('takes feature gates', () => {
  expect(['A=true', 'A=False', 'A', '=true', 'A=1', 'A=true,B=true'].map(parseGate)).toEqual([
    ['A', true],
    ['A', false],
    ...Array.from({ length: 4 }),
  ]);
});

it('takes numbers', () => {
  expect(['5', '-1', '2.5', '.5', '1e3', 'x', '', '1x'].map(parseNumber)).toEqual([
    5,
    -1,
    2.5,
    0.5,
    1000,
    ...Array.from({ length: 3 }),
  ]);
});

it('knows backends by our name and by the name of the mode', () => {
  expect(['nft', 'nftables', 'iptables', 'ipvs', 'userspace', ''].map(parseProxyMode)).toEqual([
    'nftables',
    'nftables',
    'iptables',
    'ipvs',
    ...Array.from({ length: 2 }),
  ]);
});

describe('interface names', () => {
  const cases: readonly [string, boolean][] = [
    ['cni0', true],
    ['br-1a2b3c4d5e6f', true],
    ['eth0.100', true],
    ['veth@if2', true],
    ['sixteen-letters-', false],
    ['a b', false],
    ['a"b', false],
    ['a/b', false],
    ['a\n', false],
    ['*', false],
    ['', false],
  ];
  it.each(cases)('%j', (text, good) => {
    expect(parseInterfaceName(text)).toBe(good ? text : undefined);
  });
});

it.each([
  ['rr', true],
  ['my_own-2', true],
  ['sixteen-letters-', false],
  ['RR', false],
  ['rr -p 1', false],
  ['rr\n-C', false],
  ['', false],
])('%j may be a scheduler: %s', (text, good) => {
  expect(parseScheduler(text)).toBe(good ? text : undefined);
});

it('takes log levels as words and as numbers of kube-proxy', () => {
  expect(['debug', 'silent', '0', '2', '4', '10', 'loud', '-1', ''].map(parseLogLevel)).toEqual([
    'debug',
    'silent',
    'info',
    'info',
    'debug',
    'debug',
    undefined,
    undefined,
    undefined,
  ]);
});

it('takes whole numbers within bounds', () => {
  expect(['0', '31', '32', '-1', '1.5', '1e1', ''].map(parseInteger(0, 31))).toEqual([
    0,
    31,
    ...Array.from({ length: 5 }),
  ]);
});

describe('stub domains', () => {
  const cases: readonly [string, readonly string[] | undefined][] = [
    ['corp.example=10.0.0.53', ['corp.example=10.0.0.53:53']],
    ['Corp.Example=10.0.0.53,[fd00::53]:5353', ['corp.example=10.0.0.53:53', 'corp.example=[fd00::53]:5353']],
    ['a.example=10.0.0.1, b.example=10.0.0.2', ['a.example=10.0.0.1:53', 'b.example=10.0.0.2:53']],
    ['corp.example', undefined],
    ['10.0.0.53', undefined],
    ['=10.0.0.53', undefined],
    ['corp.example=', undefined],
    ['corp.example=dns.corp.example', undefined],
    ['corp.example=10.0.0.53,', undefined],
    ['', undefined],
  ];
  it.each(cases)('%j', (text, servers) => {
    expect(parseStubDomains(text)).toEqual(servers);
  });
});
