import { iptables, nft, nftTables, run, savedAll, SAVES } from './program-machine.ts';

/** Tables of others, called like ours or kube-proxy's in other families, or nearly so in the same. */
const NFT_TABLES = `
table inet sluice {
  set cluster-ips {
    type ipv4_addr
    elements = { 10.96.0.10, 10.96.0.11 }
  }
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.96.0.10 . tcp . 80 : accept, 10.96.0.99 . udp . 53 comment "demo/web:tcp cluster IP" : drop }
  }
  chain nat-prerouting {
    ip daddr . meta l4proto . th dport vmap @service-ips
  }
  chain prerouting {
    type filter hook prerouting priority -150; policy accept
    tcp dport 1 counter drop
    jump nat-prerouting
  }
}
table inet kube-proxy {
  set cluster-ips {
    type ipv6_addr
    elements = { fd00:10:96::10 }
  }
  chain services {
    ip6 daddr @cluster-ips counter return
  }
}
table ip sluice-foo {
  map tcp-endpoints {
    type ipv4_addr . inet_service : ipv4_addr
    elements = { 10.0.0.1 . 80 : 10.0.0.2 }
  }
  chain tcp-cluster-1 {
    dnat to ip daddr . tcp dport map @tcp-endpoints
  }
  chain output {
    type nat hook output priority -101; policy accept
    ip daddr 10.0.0.1 tcp dport 80 goto tcp-cluster-1
  }
}
table ip kube-proxy-foo {
  chain services {
    counter comment "kube-proxy"
  }
}
table ip6 my-sluice {
  chain filter-forward {
    type filter hook forward priority 0; policy drop
    accept
  }
}
table netdev sluice {
  chain ingress {
    type filter hook ingress device "lo" priority 0; policy accept
    tcp dport 1 drop
  }
}
table bridge kube-proxy {
  chain forward {
    type filter hook forward priority 0; policy accept
  }
}
table arp sluice {
  chain input {
    type filter hook input priority 0; policy accept
  }
}
`;

const IPSETS = `
create sluice hash:ip family inet
add sluice 10.96.0.10
create KUBE-CLUSTER-IPS hash:ip,port family inet
add KUBE-CLUSTER-IPS 10.96.0.10,tcp:80
create cni-pods hash:net family inet
add cni-pods 10.244.0.0/16
create cni-pods6 hash:net family inet6
add cni-pods6 fd00:10:244::/48
`;

const BUILT_IN = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
} as const;

/** Like kube-proxy's, but not. */
const CHAINS = [
  'KUBE-FOO',
  'KUBE-SVC',
  'KUBE-SERVICES-OLD',
  'KUBE-MARK-DROP',
  'KUBE-NWPLCY-DEFAULT',
  'CNI-FORWARD',
  'DOCKER',
];

/** Where kube-proxy writes nothing but a canary, even its own names are somebody else's. */
const LOOKALIKES: Readonly<Record<string, readonly string[]>> = {
  raw: ['KUBE-SERVICES', 'KUBE-SVC-ABCDEFGHIJKLMNOP'],
  mangle: ['KUBE-SERVICES', 'KUBE-SEP-ABCDEFGHIJKLMNOP'],
  security: ['KUBE-FORWARD'],
};

/** Rules around every built-in chain, in an order that shows when it changes. */
function tableText(table: keyof typeof BUILT_IN, set: string): string {
  const chains = [...CHAINS, ...(LOOKALIKES[table] ?? [])];
  const comment = (text: string): string => `-m comment --comment "${text}"`;
  return [
    `*${table}`,
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...BUILT_IN[table].flatMap((chain) => [
      `-A ${chain} ${comment('kubernetes service portals')} -j CNI-FORWARD`,
      ...chains.map((target, i) => `-A ${chain} -p tcp -m tcp --dport ${i + 1} -j ${target}`),
      `-A ${chain} -p udp ${comment(`-j KUBE-SERVICES of ${chain}`)} -m udp --dport 9 -j ACCEPT`,
      `-A ${chain} -p tcp -m tcp --dport 1 -j DOCKER`,
      `-A ${chain} -m mark --mark 0x4000/0x4000 ${comment('KUBE-MARK-MASQ')} -j RETURN`,
    ]),
    ...chains.map(
      (chain) => `-A ${chain} -m set --match-set ${set} src ${comment(`in ${chain}, not KUBE-SVC-X`)} -j RETURN`,
    ),
    'COMMIT\n',
  ].join('\n');
}

/** Fills the machine with rules that resemble ours and are not. Any backend may be in use, or none. */
export async function writeForeignRules(): Promise<void> {
  await run('ipset', ['restore'], IPSETS);
  await nft(NFT_TABLES);
  for (const { variant, family } of SAVES) {
    const set = family === 'IPv4' ? 'cni-pods' : 'cni-pods6';
    const tables = Object.keys(BUILT_IN) as (keyof typeof BUILT_IN)[];
    await iptables(variant, family, tables.map((table) => tableText(table, set)).join(''));
    await iptables(variant, family, '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n');
  }
}

export interface MachineRules {
  /** Name → listing with handles, which change when a rule is written anew. */
  readonly tables: Readonly<Record<string, string>>;
  readonly ipsets: string;
  readonly iptables: Awaited<ReturnType<typeof savedAll>>;
}

/** Everything that the machine has, counters aside. */
export async function machineRules(): Promise<MachineRules> {
  const tables: [string, string][] = [];
  for (const table of await nftTables()) {
    tables.push([table, await run('nft', ['-s', '-a', 'list', 'table', ...table.split(' ')])]);
  }
  return { tables: Object.fromEntries(tables), ipsets: await run('ipset', ['save']), iptables: await savedAll() };
}
