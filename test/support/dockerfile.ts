/** One instruction, its continued lines joined by a blank. */
export interface Instruction {
  readonly keyword: string;
  readonly text: string;
}

export interface Stage {
  readonly base: string;
  readonly name?: string;
  readonly instructions: readonly Instruction[];
}

export interface CopyInstruction {
  /** The stage that the sources are in; without it they are in the build context. */
  readonly from?: string;
  readonly mode?: string;
  readonly sources: readonly string[];
  readonly destination: string;
}

/** The instructions of a Dockerfile in their order; comments are left out. */
export function parseDockerfile(text: string): readonly Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  const joined = lines.join('\n').replaceAll(/\\\n\s*/g, '');
  return joined.split('\n').map((line) => {
    const [, keyword, rest] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (keyword === undefined || rest === undefined) throw new Error(`not an instruction: ${line}`);
    return { keyword, text: rest };
  });
}

/** What follows each FROM, with the defaults of the arguments before the first one put in. */
export function stagesOf(instructions: readonly Instruction[]): readonly Stage[] {
  const first = instructions.findIndex(({ keyword }) => keyword === 'FROM');
  const globals = new Map(instructions.slice(0, first).map(({ text }) => text.split('=') as [string, string]));
  const stages: { base: string; name?: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions.slice(first)) {
    if (instruction.keyword !== 'FROM') {
      stages.at(-1)?.instructions.push(instruction);
      continue;
    }
    const [image = '', , name] = instruction.text.split(/\s+/);
    const base = image.replace(/\$\{(\w+)\}/, (_, argument: string) => globals.get(argument) ?? '');
    stages.push({ base, ...(name === undefined ? {} : { name }), instructions: [] });
  }
  return stages;
}

export function copiesOf({ instructions }: Stage): readonly CopyInstruction[] {
  return instructions
    .filter(({ keyword }) => keyword === 'COPY')
    .map(({ text }) => {
      const words = text.split(/\s+/);
      const paths = words.filter((word) => !word.startsWith('--'));
      const flag = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
      const from = flag('from');
      const mode = flag('chmod');
      return {
        ...(from === undefined ? {} : { from }),
        ...(mode === undefined ? {} : { mode }),
        sources: paths.slice(0, -1),
        destination: paths.at(-1) ?? '',
      };
    });
}

/** Whether a `.dockerignore` of the kind that excludes all and then names exceptions lets a path into the context. */
export function isInContext(dockerignore: string, path: string): boolean {
  const rules = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (rules[0] !== '*' || !rules.slice(1).every((rule) => /^![\w./-]+$/.test(rule))) {
    throw new Error('.dockerignore has to exclude everything and then name exceptions');
  }
  return rules.slice(1).some((rule) => path === rule.slice(1) || path.startsWith(`${rule.slice(1)}/`));
}
