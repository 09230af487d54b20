import { fileURLToPath } from 'node:url';
import { SluiceError } from '../base/errors.ts';
import type { CompareOptions } from '../bench/compare/compare.ts';
import type { ProxyMode } from '../bench/compare/files.ts';
import { PROXY_MODES } from '../bench/compare/files.ts';
import { ownContender, parsePeers } from '../bench/compare/peers.ts';
import { runCompare } from '../bench/compare/run.ts';
import { parseCounts, parseWhole } from '../bench/units.ts';
import { benchTool } from './bench-tool.ts';
import type { ToolValues } from './command.ts';

/** sluice beside others that take kube-proxy's configuration, or alone. */
export const benchCompareCommand = benchTool({
  name: 'compare',
  summary: 'sluice and other service proxies under the same load of an API server, seen from outside',
  options: [
    {
      flag: 'peer',
      valueName: '[name=]command',
      repeatable: true,
      description:
        'another service proxy; {config} stands for a KubeProxyConfiguration, {config:iptables} for one of that mode: "kube-proxy --config {config}" (default: sluice alone)',
    },
    {
      flag: 'mode',
      valueName: 'mode',
      default: 'nftables',
      description: `${PROXY_MODES.join(', ')}: of the configuration`,
    },
    { flag: 'min-sync-period', valueName: 'duration', description: 'into the configuration (default: each its own)' },
    { flag: 'services', valueName: 'counts', default: '1k,10k', description: 'sizes of the cluster' },
    {
      flag: 'runs',
      valueName: 'number',
      default: '1',
      description: 'how often each contender is started in each cluster',
    },
    {
      flag: 'rounds',
      valueName: 'number',
      default: '20',
      description: 'how often a Service is created, switched, deleted',
    },
    {
      flag: 'pause',
      valueName: 'ms',
      default: '1100',
      description: 'between these changes; kube-proxy waits a second',
    },
    { flag: 'settle', valueName: 'seconds', default: '12', description: 'before memory is looked at' },
    { flag: 'idle', valueName: 'seconds', default: '20', description: 'how long the idle processor is looked at' },
    { flag: 'churn', valueName: 'seconds', default: '60', description: 'how long 100 endpoints a second change' },
  ],
  check: (values) => void parse(values),
  measure: (values, { seed, progress, command }) => runCompare({ ...parse(values), seed, progress }, command),
});

function parse(values: ToolValues): Omit<CompareOptions, 'seed' | 'progress'> {
  const mode = parseMode(values.required('mode'));
  const milliseconds = (flag: string) => parseWhole(values.required(flag), flag, 0) * 1000;
  return {
    contenders: [ownContender(ownProgram()), ...parsePeers(values.list('peer'), mode)],
    services: parseCounts(values.required('services'), 'services'),
    runs: parseWhole(values.required('runs'), 'runs', 1),
    mode,
    minSyncPeriod: values.text('min-sync-period'),
    effort: {
      rounds: parseWhole(values.required('rounds'), 'rounds', 1),
      pauseMs: parseWhole(values.required('pause'), 'pause', 0),
      settleMs: milliseconds('settle'),
      idleMs: milliseconds('idle'),
      churnMs: milliseconds('churn'),
    },
    assets: process.env['KUBEBUILDER_ASSETS'] || undefined,
  };
}

function parseMode(text: string): ProxyMode {
  const mode = PROXY_MODES.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new SluiceError({ code: 'bad-config', message: `--mode: "${text}" is not one of ${PROXY_MODES.join(', ')}` });
}

/** The bundle is the program; from the sources it is beside this file. */
function ownProgram(): string {
  const here = fileURLToPath(import.meta.url);
  return here.endsWith('.ts') ? fileURLToPath(new URL('./main.ts', import.meta.url)) : here;
}
