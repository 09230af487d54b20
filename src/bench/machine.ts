import { cpus, loadavg, release, totalmem } from 'node:os';
import { toSluiceError } from '../base/errors.ts';
import type { CommandRunner } from '../kernel/command.ts';

/** What figures are worth nothing without. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** `Linux 6.18.5`. */
  readonly kernel: string;
  readonly node: string;
  /** Versions by program; programs that are not installed are missing. */
  readonly tools: Readonly<Record<string, string>>;
  /** Over the last minute, when the benchmark began: what else the machine had to do. */
  readonly load: number;
}

/** The programs that rules are written with, each with what asks for its version. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  nft: ['--version'],
  'iptables-nft': ['--version'],
  'iptables-legacy': ['--version'],
  ipvsadm: ['--version'],
};

export async function describeMachine(runner: CommandRunner): Promise<Machine> {
  const [load = 0] = loadavg();
  const tools: Record<string, string> = {};
  for (const [tool, args] of Object.entries(TOOLS)) {
    const version = await versionOf(runner, tool, args);
    if (version !== undefined) tools[tool] = version;
  }
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown processor',
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: `Linux ${release()}`,
    node: process.version,
    tools,
    load,
  };
}

async function versionOf(runner: CommandRunner, tool: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await runner.run(tool, args);
    return /v?(\d+(?:\.\d+)+)/.exec(stdout + stderr)?.[1];
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (error.code === 'command-missing') return undefined;
    throw error;
  }
}

/** `2 × Intel Xeon, 24 GB, Linux 6.18.5, nft 1.0.6, …, Node v24.21.0`. */
export function spellMachine({ cpu, cores, memoryBytes, kernel, node, tools }: Machine): string {
  const programs = Object.entries(tools).map(([tool, version]) => `${tool} ${version}`);
  return [`${cores} × ${cpu}`, `${Math.round(memoryBytes / 2 ** 30)} GiB`, kernel, ...programs, `Node ${node}`].join(
    ', ',
  );
}

/** What else the machine had to do, with a warning when that was enough to spoil the figures. */
export function spellLoad({ load, cores }: Machine): string {
  const text = `load average ${load.toFixed(2)} at the start`;
  return load > cores / 2 ? `${text}: the machine was busy, so times are too long` : text;
}
