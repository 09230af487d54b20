import { globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** One process of the test run. */
export interface Stage {
  readonly name: string;
  /** The folder under the root whose tests are this stage's; the unit stage has all that no other stage claims. */
  readonly folder: string;
  /** Program and first arguments, run in the root. Takes vitest's arguments. */
  readonly command: readonly string[];
}

const UNIT: Stage = { name: 'unit', folder: 'test', command: ['vitest', 'run'] };

/**
 * The stages in the order they run: plain vitest, then one for each `test/<name>/run.ts`. Such a launcher prepares an
 * environment (namespaces, a virtual machine), runs vitest in it with the arguments it was given and ends with its
 * exit code. Where that environment cannot be had it prints why, runs nothing and ends with 0.
 */
export function findStages(root: string): readonly Stage[] {
  const launchers = globSync('test/*/run.ts', { cwd: root }).toSorted();
  return [
    UNIT,
    ...launchers.map((file) => ({
      name: relative('test', dirname(file)),
      folder: dirname(file),
      command: ['node', file],
    })),
  ];
}

/** The test files of a stage, relative to the root. */
export function filesOf(stage: Stage, root: string): readonly string[] {
  return globSync(join(stage.folder, '**/*.test.ts'), { cwd: root });
}

/** Options of vitest whose value may follow as an argument of its own; it must not be taken for a file name. */
const OPTIONS_WITH_VALUE = new Set(['-t', '--testNamePattern', '--reporter', '--bail', '--retry', '--testTimeout']);

export interface PlannedStage {
  readonly stage: Stage;
  readonly args: readonly string[];
}

/**
 * Which stages run for these command-line arguments, and with which of them. A file or folder picks the stage it
 * belongs to, and only stages that were picked run; with no file all run. Options go to every stage that runs.
 */
export function planStages(stages: readonly Stage[], args: readonly string[]): readonly PlannedStage[] {
  const stageOfArg = args.map((arg, index) => {
    const isOption = arg.startsWith('-') || OPTIONS_WITH_VALUE.has(args[index - 1] ?? '');
    return isOption ? undefined : stageOfFile(stages, arg);
  });
  const picked = new Set(stageOfArg.filter((stage) => stage !== undefined));
  return stages
    .filter((stage) => picked.size === 0 || picked.has(stage))
    .map((stage) => ({
      stage,
      args: args.filter((_, index) => stageOfArg[index] === undefined || stageOfArg[index] === stage),
    }));
}

function stageOfFile(stages: readonly Stage[], file: string): Stage {
  const path = file.replace(/^\.\//, '').replace(/\/$/, '');
  const claims = (stage: Stage) => stage !== UNIT && (path === stage.folder || path.startsWith(`${stage.folder}/`));
  return stages.find(claims) ?? UNIT;
}
