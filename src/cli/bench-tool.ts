import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../base/errors.ts';
import type { Progress } from '../bench/progress.ts';
import { createProgress } from '../bench/progress.ts';
import { reportPage } from '../bench/report/page.ts';
import type { BenchReport } from '../bench/report/report.ts';
import { terminalReport } from '../bench/report/terminal.ts';
import { parseWhole } from '../bench/units.ts';
import { enterPrivateNamespace, isInsidePrivateNamespace } from '../lab/private-namespace.ts';
import type { CliIo, ToolCommand, ToolOption, ToolValues } from './command.ts';

/** What every benchmark is told and given. */
export interface BenchContext {
  readonly seed: number;
  readonly progress: Progress;
  /** The command line that does it again, for the report. */
  readonly command: string;
}

/** One benchmark: what is its own of a command of `sluice bench`. */
export interface BenchTool {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly ToolOption[];
  /** Runs in a private network namespace. */
  measure(values: ToolValues, context: BenchContext): Promise<BenchReport>;
  /** Refuses bad values before anything is started. @throws {SluiceError} `bad-config`. */
  check?(values: ToolValues): void;
}

const COMMON_OPTIONS: readonly ToolOption[] = [
  {
    flag: 'seed',
    valueName: 'number',
    default: '1',
    description: 'what is made up and chosen; the same seed, the same',
  },
  { flag: 'json', description: 'print everything that was measured as JSON' },
  { flag: 'report', valueName: 'file.html', description: 'write a page with charts, too' },
];

/** The whole command: enters a private namespace, measures, and tells the result in the ways that were asked for. */
export function benchTool(tool: BenchTool): ToolCommand {
  return {
    name: tool.name,
    summary: tool.summary,
    options: [...tool.options, ...COMMON_OPTIONS],
    async run(values, io) {
      const seed = parseWhole(values.required('seed'), 'seed', 0);
      tool.check?.(values);
      const path = values.text('report');
      if (path !== undefined) await writeResult(path, '', 'append'); // Better now than after an hour.
      // As a daemon on a node has it, where the user may: a user namespace has smaller socket buffers.
      if (!isInsidePrivateNamespace()) return enterPrivateNamespace({ keepUser: true });
      const progress = createProgress({ write: io.err, live: io.errLive });
      const command = `sluice ${process.argv.slice(2).join(' ')}`;
      const report = await tool.measure(values, { seed, progress, command }).finally(() => progress.end());
      await publish(report, values, io);
      return 0;
    },
  };
}

async function publish(report: BenchReport, values: ToolValues, io: CliIo): Promise<void> {
  io.out(values.has('json') ? `${JSON.stringify(report)}\n` : terminalReport(report, { colour: io.colour }));
  const path = values.text('report');
  if (path !== undefined) await writeResult(path, reportPage([report]));
}

/** Makes the folder, too. @throws {SluiceError} `bad-config` when the file cannot be written. */
export async function writeResult(path: string, text: string, how: 'anew' | 'append' = 'anew'): Promise<void> {
  // Where this fails, the file cannot be written either.
  await mkdir(dirname(path)).catch(() => undefined);
  try {
    await writeFile(path, text, { flag: how === 'append' ? 'a' : 'w' });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError({ code: 'bad-config', message: `cannot write ${path}: ${reason}`, cause });
  }
}
