import { BACKEND, CIDRS, choice, DURATION, field, IPS, LOG_LEVEL, PATHS, SWITCH, word } from './schema.ts';

const EVERYWHERE = ['run', 'diff', 'render', 'cleanup', 'demo'] as const;
/** Commands that learn about the node from outside; that log. */
const READING = ['run', 'diff', 'render'] as const;
const LOGGING = ['run', 'cleanup', 'demo', 'dns'] as const;

/** Options that kube-proxy does not have, or by another name. */
export const OWN_OPTIONS = {
  backend: {
    flag: 'backend',
    alias: 'proxy-mode',
    ...BACKEND,
    ...field('mode', 'mode', { unset: 'iptables' }),
    defaultText: 'nft; with `--config` what the file says, where no mode means iptables',
    description: 'how rules are written: nft, iptables or ipvs (kube-proxy calls the first nftables)',
    commands: EVERYWHERE,
  },
  manifests: {
    flag: 'manifests',
    ...PATHS,
    defaultText: 'run, dns: the API server',
    description: 'files, folders or - (standard input) with Services, EndpointSlices, Nodes and ServiceCIDRs',
    commands: [...READING, 'dns', 'dns query'],
    requiredBy: ['diff', 'render', 'dns query'],
  },
  watch: {
    flag: 'watch',
    ...SWITCH,
    description: 'follow changes of the manifests',
    commands: ['run', 'dns'],
  },
  against: {
    flag: 'against',
    ...choice('what', ['kernel', 'empty']),
    default: 'kernel',
    description: 'compare with the rules in this kernel, or with a node that has none (needs no root)',
    commands: ['diff'],
  },
  againstManifests: {
    flag: 'against-manifests',
    ...PATHS,
    description: 'compare with what these manifests would give instead (needs no root)',
    commands: ['diff'],
  },
  strict: {
    flag: 'strict',
    ...SWITCH,
    description: 'fail when an object, or a part of one, cannot be used',
    commands: ['diff', 'render'],
  },
  rules: {
    flag: 'rules',
    ...SWITCH,
    description: 'show the changed rules too',
    commands: ['diff'],
  },
  output: {
    flag: 'output',
    short: 'o',
    ...choice('format', ['text', 'json']),
    default: 'text',
    description: 'text for people, json for programs',
    commands: ['diff'],
  },
  family: {
    flag: 'family',
    ...choice('family', ['all', 'IPv4', 'IPv6']),
    default: 'all',
    description: 'one address family only',
    commands: ['diff', 'render'],
  },
  nodeIps: {
    flag: 'node-ip',
    ...IPS,
    defaultText: 'those of the Node object',
    description: 'addresses of the node, the primary of each family first',
    commands: READING,
  },
  zone: {
    flag: 'zone',
    ...word('name'),
    defaultText: 'that of the Node object',
    description: 'the zone of the node, for endpoints with topology hints',
    commands: READING,
  },
  podCidrs: {
    flag: 'pod-cidrs',
    ...CIDRS,
    defaultText: 'those of the Node object',
    description: 'networks of the pods of this node (mode NodeCIDR)',
    commands: READING,
  },
  ownMinSyncPeriodMs: {
    flag: 'min-sync-period',
    ...DURATION,
    defaultText: "that of the backend's kube-proxy mode, else `0`",
    description: 'write rules at most this often',
    commands: ['run'],
  },
  ownSyncPeriodMs: {
    flag: 'sync-period',
    ...DURATION,
    defaultText: "that of the backend's kube-proxy mode, else `1h`",
    description:
      'compare the kernel with what it should hold, and repair it, this often; 0: only when somebody else has written',
    commands: ['run'],
  },
  takeOver: {
    flag: 'take-over',
    ...SWITCH,
    description: 'start although a kube-proxy seems to be running',
    commands: ['run'],
  },
  logLevel: {
    flag: 'log-level',
    short: 'v',
    alias: 'v',
    ...LOG_LEVEL,
    ...field('logging.verbosity', 'verbosity'),
    givesWay: false,
    default: 'info',
    description: 'what to log: debug, info, warn, error, silent, or a number as for kube-proxy',
    commands: LOGGING,
  },
  logFormat: {
    flag: 'log-format',
    alias: 'logging-format',
    ...choice('format', ['text', 'json']),
    ...field('logging.format', 'text'),
    givesWay: false,
    default: 'text',
    description: 'how log lines look: text or json',
    commands: LOGGING,
  },
} as const;
