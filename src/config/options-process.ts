import { COUNT, field, GATES, IP, integer, LISTEN_ADDRESS, NUMBER, SWITCH, word } from './schema.ts';

const RUN = ['run'] as const;
/** Commands that talk to an API server. */
const FOLLOWING = ['run', 'dns'] as const;
const READING = ['run', 'diff', 'render'] as const;

/** Options of the process as such, not of the rules. Names and meaning are kube-proxy's (reference 1.2 and 1.3). */
export const PROCESS_OPTIONS = {
  config: {
    flag: 'config',
    ...word('file'),
    operation: true,
    description: 'a KubeProxyConfiguration (YAML or JSON); with it, most flags that kube-proxy has too do not count',
    commands: READING,
  },
  writeConfigTo: {
    flag: 'write-config-to',
    ...word('file'),
    operation: true,
    description: 'write the configuration that is in effect to a file, and exit',
    commands: RUN,
  },
  cleanup: {
    flag: 'cleanup',
    ...SWITCH,
    operation: true,
    description: 'remove all Service rules, and exit (as sluice cleanup does)',
    commands: RUN,
  },
  initOnly: {
    flag: 'init-only',
    ...SWITCH,
    operation: true,
    description: 'do what needs full root privileges, and exit; afterwards the capability NET_ADMIN is enough',
    commands: RUN,
  },
  kubeconfig: {
    flag: 'kubeconfig',
    ...word('file'),
    ...field('clientConnection.kubeconfig', 'text'),
    defaultText: "the pod's service account",
    description: 'how to reach the API server, and as whom',
    commands: FOLLOWING,
  },
  master: {
    flag: 'master',
    ...word('url'),
    defaultText: 'that of the kubeconfig',
    description: 'the address of the API server',
    commands: FOLLOWING,
  },
  kubeApiQps: {
    flag: 'kube-api-qps',
    ...NUMBER,
    ...field('clientConnection.qps', 'float32'),
    default: '5',
    description: 'requests to the API server per second, in the long run; negative: any number',
    commands: FOLLOWING,
  },
  kubeApiBurst: {
    flag: 'kube-api-burst',
    ...COUNT,
    ...field('clientConnection.burst', 'int32'),
    default: '10',
    description: 'requests to the API server that may come at once',
    commands: FOLLOWING,
  },
  featureGates: {
    flag: 'feature-gates',
    ...GATES,
    ...field('featureGates', 'gates'),
    description: 'feature gates of Kubernetes, for example AllowServiceExternalIPs=false: externalIPs get no rules',
    commands: READING,
  },
  bindAddress: {
    flag: 'bind-address',
    ...IP,
    ...field('bindAddress', 'text'),
    default: '0.0.0.0',
    description: 'the primary address of the node; 0.0.0.0 or :: leave it to the Node object and say only the family',
    commands: READING,
  },
  healthzBindAddress: {
    flag: 'healthz-bind-address',
    ...LISTEN_ADDRESS,
    ...field('healthzBindAddress', 'address'),
    defaultText: '`0.0.0.0:10256`, `[::]:10256` with an IPv6 bind address',
    description: 'where /healthz and /livez are served',
    commands: RUN,
  },
  healthzPort: {
    flag: 'healthz-port',
    ...integer(0, 65_535),
    givesWay: true,
    deprecated: 'use --healthz-bind-address',
    description: 'the port of a --healthz-bind-address that has none; 0: no health server (deprecated)',
    commands: RUN,
  },
  metricsBindAddress: {
    flag: 'metrics-bind-address',
    ...LISTEN_ADDRESS,
    ...field('metricsBindAddress', 'address'),
    defaultText: '`127.0.0.1:10249`, `[::1]:10249` with an IPv6 bind address',
    description: 'where /metrics and the like are served',
    commands: RUN,
  },
  metricsPort: {
    flag: 'metrics-port',
    ...integer(0, 65_535),
    givesWay: true,
    deprecated: 'use --metrics-bind-address',
    description: 'the port of a --metrics-bind-address that has none; 0: no metrics server (deprecated)',
    commands: RUN,
  },
  bindAddressHardFail: {
    flag: 'bind-address-hard-fail',
    ...SWITCH,
    ...field('bindAddressHardFail', 'bool'),
    description: 'exit when health or metrics cannot be served, instead of trying again',
    commands: RUN,
  },
  profiling: {
    flag: 'profiling',
    ...SWITCH,
    ...field('enableProfiling', 'bool'),
    description: 'serve profiles under /debug/pprof on the metrics server',
    commands: RUN,
  },
  oomScoreAdj: {
    flag: 'oom-score-adj',
    ...integer(-1000, 1000),
    ...field('oomScoreAdj', 'int32', { zeroCounts: true }),
    default: '-999',
    description: 'how readily the kernel ends the process when memory is short, -1000 to 1000',
    commands: RUN,
  },
} as const;
