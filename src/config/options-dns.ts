import {
  choice,
  CIDRS,
  COUNT,
  DURATION,
  integer,
  IPS,
  LISTEN_ADDRESS,
  LISTEN_ADDRESSES,
  SWITCH,
  word,
  WORDS,
} from './schema.ts';

const LISTENING = ['dns'] as const;
const SERVING = ['run', 'dns'] as const;
const ANSWERING = ['run', 'dns', 'dns query'] as const;
/** Commands whose rules depend on it. */
const RULING = ['run', 'diff', 'render'] as const;

/** Options of the cluster's DNS; the README says what CoreDNS calls them. */
export const DNS_OPTIONS = {
  dns: {
    flag: 'dns',
    ...SWITCH,
    description:
      "answer the DNS queries of this node and its pods here; without it nothing of the cluster's DNS changes",
    commands: RULING,
  },
  dnsAddresses: {
    flag: 'dns-address',
    ...IPS,
    default: ['169.254.20.10'],
    description: "addresses of the node's own DNS, beside the cluster addresses of the DNS Service",
    commands: RULING,
  },
  dnsService: {
    flag: 'dns-service',
    ...word('namespace/name'),
    default: 'kube-system/kube-dns',
    description: "the Service of the cluster's DNS, which answers whenever this node does not",
    commands: RULING,
  },
  dnsResolvConf: {
    flag: 'resolv-conf',
    ...word('file'),
    defaultText: 'run: `/etc/resolv.conf`, dns: none',
    description: 'whose name servers are asked for all other names, where no --upstream is given',
    commands: SERVING,
  },
  dnsListen: {
    flag: 'listen',
    ...LISTEN_ADDRESSES,
    defaultText: '`127.0.0.1:5353`',
    description: 'addresses to answer on, UDP and TCP; an address without a port has port 53',
    commands: LISTENING,
  },
  dnsUpstreams: {
    flag: 'upstream',
    ...LISTEN_ADDRESSES,
    defaultText: 'those of --resolv-conf; dns: none, other names are refused',
    description: 'servers that are asked for all other names',
    commands: SERVING,
  },
  dnsZones: {
    flag: 'cluster-domain',
    ...WORDS,
    defaultText: '`cluster.local`',
    description: 'the zones of the cluster; reverse lookups lead to the first',
    commands: ANSWERING,
  },
  dnsTtlS: {
    flag: 'dns-ttl',
    ...integer(0, 3600),
    default: '30',
    description: 'how many seconds clients may remember an answer',
    commands: ANSWERING,
  },
  dnsHeadlessTtlS: {
    flag: 'dns-headless-ttl',
    ...integer(0, 3600),
    defaultText: 'that of --dns-ttl',
    description: 'the same for endpoints, which come and go',
    commands: ANSWERING,
  },
  dnsPods: {
    flag: 'dns-pods',
    ...choice('mode', ['disabled', 'insecure', 'verified']),
    default: 'insecure',
    description:
      'names such as 10-1-2-3.default.pod.cluster.local: none, any address in a namespace, or only addresses of pods',
    commands: ANSWERING,
  },
  dnsPodNames: {
    flag: 'dns-endpoint-pod-names',
    ...SWITCH,
    description: 'call endpoints that have no hostname as their pods are called',
    commands: ANSWERING,
  },
  dnsZonalNames: {
    flag: 'dns-zonal-names',
    ...SWITCH,
    description:
      'headless Services have names such as eu-1a.pin._zone.db.default.svc.cluster.local for the endpoints of a topology zone',
    commands: ANSWERING,
  },
  dnsLocalNetworks: {
    flag: 'dns-local-networks',
    ...CIDRS,
    description:
      'networks of Services and pods: their unknown addresses do not exist, instead of being looked up elsewhere',
    commands: ANSWERING,
  },
  dnsUdpBytes: {
    flag: 'dns-udp-bytes',
    ...integer(512, 4096),
    default: '1232',
    description: 'the longest reply over UDP',
    commands: ANSWERING,
  },
  dnsNsid: {
    flag: 'dns-nsid',
    ...word('text'),
    description: 'the name of this server, for clients that ask for it (RFC 5001)',
    commands: SERVING,
  },
  dnsClientLimit: {
    flag: 'dns-client-limit',
    ...COUNT,
    default: '0',
    description: 'queries per second that one client may ask; more get no reply; 0: any number',
    commands: SERVING,
  },
  dnsTransferTo: {
    flag: 'dns-transfer-to',
    ...CIDRS,
    defaultText: 'nobody',
    description: 'networks whose hosts may fetch whole zones (AXFR)',
    commands: SERVING,
  },
  dnsThreads: {
    flag: 'dns-threads',
    ...integer(1, 64),
    default: '1',
    description: 'threads that answer; one manages about 100,000 queries a second',
    commands: SERVING,
  },
  dnsLogQueries: {
    flag: 'dns-log-queries',
    ...SWITCH,
    description: 'log every query with its answer',
    commands: SERVING,
  },
  dnsLameDuckMs: {
    flag: 'dns-lame-duck',
    ...DURATION,
    default: '0',
    description: 'how long queries are still answered after SIGTERM, while /ready already says no',
    commands: LISTENING,
  },
  dnsStatusAddress: {
    flag: 'dns-status-address',
    ...LISTEN_ADDRESS,
    defaultText: 'none',
    description: 'where /health, /ready and /metrics are served; without a port on port 9153',
    commands: SERVING,
  },
} as const;
