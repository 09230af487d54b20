import { describe, expect, test } from 'vitest';
import { endpointText, hostText, parseEndpoint } from '../../../../src/dns/forward/endpoint.ts';
import { parseResolvConf, readNameservers, SYSTEMD_RESOLV_CONF } from '../../../../src/dns/forward/resolv-conf.ts';
import { ResolvConfWatcher } from '../../../../src/dns/forward/resolv-conf-watcher.ts';
import { reverseZones } from '../../../../src/dns/zone/reverse-zones.ts';
import { nameText } from '../../../../src/dns/wire/name.ts';
import type { Cidr } from '../../../../src/model/address.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

describe('resolv.conf', () => {
  test.each([
    ['nameserver 10.0.0.1\n', ['10.0.0.1']],
    [
      '# nameserver 10.0.0.9\n;nameserver 10.0.0.8\nsearch a b\n nameserver\t10.0.0.1 # comment\nnameserver 2001:DB8::1',
      ['10.0.0.1', '2001:db8::1'],
    ],
    [
      'nameserver 10.0.0.1\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4',
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
    ],
    ['nameserver fe80::1%eth0\nnameserver fe80::1%eth1\nnameserver fe80::1%eth0', ['fe80::1%eth0', 'fe80::1%eth1']],
    [
      'nameserver fd00::1%eth0\nnameserver fe80::1%\nnameserver [fe80::1%eth0]:53\nnameserver dns.example\nnameserver',
      [],
    ],
    ['', []],
  ])('%j has %j', (text, servers) => expect(parseResolvConf(text).map(hostText)).toEqual(servers));

  const files = (texts: Readonly<Record<string, string>>) => (path: string) => texts[path];

  test.each([
    [
      'systemd-resolved: what it asks itself',
      { '/r': 'nameserver 127.0.0.53', [SYSTEMD_RESOLV_CONF]: 'nameserver 10.0.0.1' },
      ['10.0.0.1'],
    ],
    ['and when that cannot be seen, it', { '/r': 'nameserver 127.0.0.53' }, ['127.0.0.53']],
    [
      'others are taken as they are',
      { '/r': 'nameserver 10.0.0.2', [SYSTEMD_RESOLV_CONF]: 'nameserver 10.0.0.1' },
      ['10.0.0.2'],
    ],
    ['no file', {}, undefined],
  ])('%s', (_what, texts, servers) => expect(readNameservers('/r', files(texts))?.map(hostText)).toEqual(servers));

  test('changes are noticed; a file that is being written is not one', async () => {
    const clock = new FakeClock();
    const seen: (readonly string[])[] = [];
    const texts: Record<string, string> = { '/r': 'nameserver 10.0.0.1' };
    const read = (path: string): string | undefined => texts[path];
    const watcher = new ResolvConfWatcher({
      path: '/r',
      clock,
      read,
      onChange: (servers) => seen.push(servers.map(hostText)),
    });
    const steps = ['nameserver 10.0.0.1\n# the same', '', 'nameserver 10.0.0.2'];
    for (const text of steps) {
      texts['/r'] = text;
      await clock.advance(5000);
    }
    expect(seen).toEqual([['10.0.0.1'], ['10.0.0.2']]);
    watcher.stop();
    expect(clock.pendingMs).toEqual([]);
  });
});

describe('addresses of name servers', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1', 53],
    ['10.0.0.1:5353', '10.0.0.1', 5353],
    ['2001:DB8::1', '2001:db8::1', 53],
    ['[2001:db8::1]', '2001:db8::1', 53],
    ['[2001:db8::1]:5353', '2001:db8::1', 5353],
  ])('%s', (text, address, port) => expect(parseEndpoint(text)).toEqual({ address, port }));

  test.each([
    ['fe80::1%eth0', 53],
    ['[fe80::1%eth0]:5353', 5353],
  ])('%s needs its interface', (text, port) => {
    const endpoint = { address: 'fe80::1', link: 'eth0', port };
    expect(parseEndpoint(text)).toEqual(endpoint);
    expect(endpointText(endpoint as never)).toBe(`[fe80::1%eth0]:${port}`);
  });

  test.each([
    '',
    'dns',
    '10.0.0.1:',
    '10.0.0.1:0',
    '10.0.0.1:65536',
    '[10.0.0.1]:53',
    '2001:db8::1]:53',
    '10.0.0.1:53:53',
  ])('%j is none', (text) => expect(parseEndpoint(text)).toBeUndefined());
});

describe('reverse zones', () => {
  test.each([
    ['10.0.0.0/8', ['10.in-addr.arpa.']],
    ['10.244.0.0/16', ['244.10.in-addr.arpa.']],
    ['10.96.0.0/14', ['96.10.in-addr.arpa.', '97.10.in-addr.arpa.', '98.10.in-addr.arpa.', '99.10.in-addr.arpa.']],
    ['192.0.2.6/31', ['6.2.0.192.in-addr.arpa.', '7.2.0.192.in-addr.arpa.']],
    ['fd00:10::/32', ['0.1.0.0.0.0.d.f.ip6.arpa.']],
    [
      'fd00:8::/30',
      [
        '8.0.0.0.0.0.d.f.ip6.arpa.',
        '9.0.0.0.0.0.d.f.ip6.arpa.',
        'a.0.0.0.0.0.d.f.ip6.arpa.',
        'b.0.0.0.0.0.d.f.ip6.arpa.',
      ],
    ],
  ])('of %s', (cidr, zones) => expect(reverseZones(cidr as Cidr).map(nameText)).toEqual(zones));

  test('a network of half the addresses has half the zones', () => {
    expect(reverseZones('128.0.0.0/1' as Cidr)).toHaveLength(128);
    expect(reverseZones('10.96.0.0/12' as Cidr)).toHaveLength(16);
  });
});
