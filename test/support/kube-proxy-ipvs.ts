import type { IpFamily } from '../../src/model/address.ts';
import { SETS, setDefinition, SET_NAMES, setName } from '../../src/backend/ipvs/names.ts';
import type { FakeIpvs } from './fake-ipvs.ts';

/** Rules of kube-proxy's ipvs mode as far as they matter here: some like ours, some not. */
const KUBE_PROXY_IPVS_RULES = `*filter
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-IPVS-OUT-FILTER - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SOURCE-RANGES-FIREWALL - [0:0]
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER
-A KUBE-IPVS-FILTER -m set --match-set KUBE-CLUSTER-IP dst,dst -j RETURN
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT --reject-with icmp-port-unreachable
COMMIT
*nat
:KUBE-LOAD-BALANCER - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODE-PORT - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODE-PORT -p tcp -m comment --comment "Kubernetes nodeport TCP port for masquerade purpose" -m set --match-set KUBE-NODE-PORT-TCP dst -j KUBE-MARK-MASQ
-A KUBE-POSTROUTING -m comment --comment "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose" -m set --match-set KUBE-LOOP-BACK dst,dst,src -j MASQUERADE
-A KUBE-SERVICES -s 127.0.0.0/8 -j RETURN
-A KUBE-SERVICES ! -s 10.244.0.0/16 -m comment --comment "Kubernetes service cluster ip + port for masquerade purpose" -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODE-PORT
-A KUBE-SERVICES -m set --match-set KUBE-CLUSTER-IP dst,dst -j ACCEPT
COMMIT
`;

const ADDRESSES = {
  IPv4: { service: '10.96.0.1', socket: '10.96.0.1', endpoint: '10.244.9.9', node: '172.18.0.2', old: '10.96.250.1' },
  IPv6: {
    service: 'fd00:96::1',
    socket: '[fd00:96::1]',
    endpoint: '[fd00:244::99]',
    node: '[fd00:172::2]',
    old: 'fd00:96::fa',
  },
} as const;

/** What kube-proxy's ipvs mode left on a node: a Service that exists still, and one that does not. */
export async function leaveKubeProxyIpvs(fake: FakeIpvs, family: IpFamily): Promise<void> {
  const { service, socket, endpoint, node, old } = ADDRESSES[family];
  const name = (set: keyof typeof SETS): string => setName(family, set);
  const foreign = new Set(['names', 'drop', 'dropOutside', 'nodePortIps', 'shortCut']);
  const known = SET_NAMES.filter((set) => !foreign.has(set));
  await feed(
    fake,
    'ipset',
    ['restore'],
    [
      ...known.map((set) => `create ${name(set)} ${setDefinition(family, SETS[set])}`),
      `add ${name('clusterIp')} ${service},tcp:80`,
      `add ${name('clusterIp')} ${old},tcp:80`,
      `add ${name('nodePortTcp')} 30999`,
      `add ${name('ips')} ${service}`,
      `add ${name('ips')} ${old}`,
    ],
  );
  await feed(
    fake,
    'ipvsadm',
    ['--restore'],
    [
      `-A -t ${socket}:80 -s rr -p 10800`,
      `-a -t ${socket}:80 -r ${endpoint}:8080 -m -w 1`,
      `-A -t ${family === 'IPv4' ? old : `[${old}]`}:80 -s rr`,
      `-A -t ${node}:30999 -s rr`,
    ],
  );
  const bits = family === 'IPv4' ? 32 : 128;
  const device = fake.addresses === undefined ? ['link add kube-ipvs0 type dummy'] : [];
  await feed(
    fake,
    'ip',
    ['-batch', '-'],
    [...device, `address add ${service}/${bits} dev kube-ipvs0`, `address add ${old}/${bits} dev kube-ipvs0`],
  );
  if (family === 'IPv4') fake.iptables.tables('iptables', 'nf_tables').restore(KUBE_PROXY_IPVS_RULES);
}

/** Virtual servers and ipsets of somebody else. */
export async function leaveForeign(fake: FakeIpvs): Promise<void> {
  await feed(
    fake,
    'ipset',
    ['restore'],
    [
      'create cali40all hash:net family inet maxelem 1048576',
      'add cali40all 10.0.0.0/8',
      'create KUBE-ROUTER-X hash:ip family inet maxelem 65536',
    ],
  );
  await feed(
    fake,
    'ipvsadm',
    ['--restore'],
    [
      '-A -t 203.0.113.80:80 -s wlc',
      '-a -t 203.0.113.80:80 -r 10.0.0.3:80 -g -w 7',
      '-A -f 17 -s rr',
      '-A -t [2001:db8:80::1]:80 -s wlc',
    ],
  );
}

async function feed(fake: FakeIpvs, program: string, args: readonly string[], lines: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await fake.run(program, args, { input: `${lines.join('\n')}\n` });
  if (exitCode !== 0 || stderr !== '') throw new Error(stderr);
}
