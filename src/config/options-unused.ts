import type { FieldSpec } from './fields.ts';

/** Something that kube-proxy has and sluice accepts without doing anything about it. */
export interface UnusedOption {
  /** Without dashes; absent when kube-proxy has it only in a file. */
  readonly flag?: string;
  readonly kind: 'switch' | 'value';
  readonly field?: FieldSpec & { readonly path: string };
  /** Why nothing is done about it. */
  readonly reason: string;
  /** What can be said without a notice: it is what happens, or kube-proxy's default. */
  readonly unremarkable?: readonly string[];
}

const WINDOWS = 'for Windows';
const KLOG = 'a detail of the logging library of kube-proxy';
const MACHINE = 'sluice asks the kernel for the number of CPUs';
const NO_RESYNC = 'watches cannot go stale here; --sync-period is how often the kernel is verified';

export const UNUSED_OPTIONS: readonly UnusedOption[] = [
  windows('network-name', 'networkName', 'value'),
  windows('source-vip', 'sourceVip', 'value'),
  windows('enable-dsr', 'enableDSR', 'switch'),
  windows('root-hnsendpoint-name', 'rootHnsEndpointName', 'value'),
  windows('forward-healthcheck-vip', 'forwardHealthCheckVip', 'switch'),
  {
    flag: 'windows-service',
    kind: 'switch',
    field: { path: 'windowsRunAsService', type: 'bool' },
    reason: WINDOWS,
  },
  { kind: 'value', field: { path: 'portRange', type: 'text' }, reason: 'kube-proxy has no use for it either' },
  {
    flag: 'config-sync-period',
    kind: 'value',
    field: { path: 'configSyncPeriod', type: 'duration' },
    reason: NO_RESYNC,
    unremarkable: ['15m', '15m0s'],
  },
  {
    flag: 'show-hidden-metrics-for-version',
    kind: 'value',
    field: { path: 'showHiddenMetricsForVersion', type: 'text' },
    reason: 'no metrics are hidden',
  },
  {
    flag: 'kube-api-content-type',
    kind: 'value',
    field: { path: 'clientConnection.contentType', type: 'text' },
    reason: 'sluice speaks JSON with the API server',
    unremarkable: ['application/vnd.kubernetes.protobuf', 'application/json'],
  },
  {
    kind: 'value',
    field: { path: 'clientConnection.acceptContentTypes', type: 'text' },
    reason: 'sluice speaks JSON with the API server',
    unremarkable: ['application/json'],
  },
  { flag: 'boot-id-file', kind: 'value', reason: MACHINE },
  { flag: 'machine-id-file', kind: 'value', reason: MACHINE },
  {
    flag: 'log-flush-frequency',
    kind: 'value',
    field: { path: 'logging.flushFrequency', type: 'nanoseconds' },
    reason: 'log lines are written at once',
    unremarkable: ['5s', '5000000000ns'],
  },
  { flag: 'vmodule', kind: 'value', field: { path: 'logging.vmodule', type: 'modules' }, reason: KLOG },
  klog('text', 'split-stream', 'splitStream'),
  klog('text', 'info-buffer-size', 'infoBufferSize'),
  klog('json', 'split-stream', 'splitStream'),
  klog('json', 'info-buffer-size', 'infoBufferSize'),
];

function windows(flag: string, name: string, kind: UnusedOption['kind']): UnusedOption {
  const type = kind === 'switch' ? 'bool' : 'text';
  return { flag, kind, field: { path: `winkernel.${name}`, type }, reason: WINDOWS };
}

function klog(format: string, flag: string, name: 'splitStream' | 'infoBufferSize'): UnusedOption {
  const kind = name === 'splitStream' ? 'switch' : 'value';
  const type = kind === 'switch' ? 'bool' : 'scalar';
  return {
    flag: `log-${format}-${flag}`,
    kind,
    field: { path: `logging.options.${format}.${name}`, type },
    reason: KLOG,
  };
}
