import { describe, expect, test } from 'vitest';
import { invalidPackets, localhostNodePortPackets } from '../../../../src/backend/iptables/counters.ts';

const FORWARD = `-N KUBE-FORWARD
-A KUBE-FORWARD -m conntrack --ctstate INVALID -c 7 420 -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -c 3 180 -j ACCEPT
`;

const COUNTER = '-d 127.0.0.0/8 -m comment --comment "counts packets to NodePorts on localhost"';

const services = (before: number, behind: number): string => `-N KUBE-SERVICES -c 0 0
-A KUBE-SERVICES -d 0.0.0.0/0.0.0.240 -c 90 5400 -j KUBE-SVC-IP-0
-A KUBE-SERVICES ${COUNTER} -c ${before} 600
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -c 50 3000 -j KUBE-NODEPORTS
-A KUBE-SERVICES ${COUNTER} -c ${behind} 300
`;

test.each([
  [FORWARD, 7],
  ['-N KUBE-FORWARD\n', 0],
  ['', 0],
])('invalid packets', (listing, packets) => {
  expect(invalidPackets(listing)).toBe(packets);
});

describe('packets to NodePorts on localhost', () => {
  test.each([
    ['those that did not come out behind the NodePorts', services(10, 4), 'IPv4', 6],
    ['none while the chain is being written', services(0, 1), 'IPv4', 0],
    ['none where loopback is not served', '-N KUBE-SERVICES\n', 'IPv4', 0],
    ['none in IPv6', services(10, 4), 'IPv6', 0],
  ] as const)('%s', (_title, listing, family, packets) => {
    expect(localhostNodePortPackets(listing, family)).toBe(packets);
  });
});
