import { COUNT, DURATION, field, SWITCH } from './schema.ts';

const RUN = ['run'] as const;
const COMPILING = ['run', 'diff', 'render', 'demo'] as const;

/** Options of the kernel's connection tracking. Names and meaning are kube-proxy's (reference 1.2 and 5.2). */
export const CONNTRACK_OPTIONS = {
  conntrackMaxPerCore: {
    flag: 'conntrack-max-per-core',
    ...COUNT,
    ...field('conntrack.maxPerCore', 'int32', { zeroCounts: true }),
    default: '32768',
    description: 'tracked connections per CPU; 0: leave the limit alone, whatever --conntrack-min says',
    commands: RUN,
  },
  conntrackMin: {
    flag: 'conntrack-min',
    ...COUNT,
    ...field('conntrack.min', 'int32', { zeroCounts: true }),
    default: '131072',
    description: 'tracked connections at least, however few CPUs there are',
    commands: RUN,
  },
  conntrackTcpEstablishedTimeoutMs: {
    flag: 'conntrack-tcp-timeout-established',
    ...DURATION,
    ...field('conntrack.tcpEstablishedTimeout', 'duration', { zeroCounts: true }),
    default: '24h',
    description: 'how long idle TCP connections are tracked; 0: as the kernel has it',
    commands: RUN,
  },
  conntrackTcpCloseWaitTimeoutMs: {
    flag: 'conntrack-tcp-timeout-close-wait',
    ...DURATION,
    ...field('conntrack.tcpCloseWaitTimeout', 'duration', { zeroCounts: true }),
    default: '1h',
    description: 'how long TCP connections in CLOSE_WAIT are tracked; 0: as the kernel has it',
    commands: RUN,
  },
  conntrackBeLiberal: {
    flag: 'conntrack-tcp-be-liberal',
    ...SWITCH,
    ...field('conntrack.tcpBeLiberal', 'bool'),
    description: 'tell the kernel to tolerate TCP packets outside the window, and do not drop them (iptables)',
    commands: COMPILING,
  },
  conntrackUdpTimeoutMs: {
    flag: 'conntrack-udp-timeout',
    ...DURATION,
    ...field('conntrack.udpTimeout', 'duration'),
    default: '0',
    description: 'how long UDP flows without an answer are tracked; 0: as the kernel has it',
    commands: RUN,
  },
  conntrackUdpStreamTimeoutMs: {
    flag: 'conntrack-udp-timeout-stream',
    ...DURATION,
    ...field('conntrack.udpStreamTimeout', 'duration'),
    default: '0',
    description: 'how long UDP flows with an answer are tracked; 0: as the kernel has it',
    commands: RUN,
  },
} as const;
