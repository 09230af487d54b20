import { Command as Program, CommanderError, Option as ProgramOption } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { SluiceError } from '../base/errors.ts';
import { createLog } from '../base/log.ts';
import { loadConfig } from '../config/load.ts';
import type { Command, Option } from '../config/options.ts';
import { OPTION_GROUPS, OPTIONS } from '../config/options.ts';
import { UNUSED_OPTIONS } from '../config/options-unused.ts';
import type { Config } from '../config/resolve.ts';
import { variableOf } from '../config/resolve.ts';
import { writeConfig } from '../config/write.ts';
import { normalizeArguments, versionRequest } from './arguments.ts';
import type { CliCommand, CliIo, ToolCommand, ToolGroup, ToolOption } from './command.ts';
import { ToolValues } from './command.ts';

/** What a command line without a command means, as for kube-proxy, which has none. */
const DEFAULT_COMMAND: Command = 'run';

export interface ProgramParts {
  readonly commands: readonly CliCommand[];
  readonly groups?: readonly ToolGroup[];
}

/**
 * Parses a command line and runs its command.
 *
 * @param args without the program and its script.
 * @returns the exit code.
 * @throws {SluiceError} `bad-config` for wrong arguments, and whatever the command throws.
 */
export async function runProgram(args: readonly string[], parts: ProgramParts, io: CliIo): Promise<number> {
  const { commands, groups = [] } = parts;
  const version = versionRequest(args);
  if (version !== undefined) {
    io.out(`${versionText(version)}\n`);
    return 0;
  }
  let exitCode = 0;
  const program = new Program('sluice')
    .description(packageJson.description)
    .option('-V, --version [raw]', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText('after', `\nWithout a command: ${DEFAULT_COMMAND}, with all flags of kube-proxy.`)
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: () => {} });
  for (const command of commands) {
    const subcommand = declare(program, command);
    for (const spelling of spellingsFor(command.name)) subcommand.addOption(spelling);
    subcommand.action(async () => {
      const flags = flagsGiven(subcommand);
      const { config, warnings } = await loadConfig({ command: command.name, flags, env: io.env });
      warn(warnings, { command: command.name, config, io });
      exitCode = await perform(command, { config, commands, io, operands: subcommand.args });
    });
  }
  const words = normalizeArguments(args, DEFAULT_COMMAND);
  for (const group of groups) {
    const tools = words.includes(group.name) ? await group.load() : [];
    addGroup(program, { ...group, tools }, async (run) => {
      exitCode = await run(io);
    });
  }
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return 0;
    if (thrown.code === 'commander.help') return 2; // No command: the help was printed to standard error.
    throw badArguments(thrown);
  }
  return exitCode;
}

function addGroup(
  program: Program,
  { name, summary, tools }: Omit<ToolGroup, 'load'> & { readonly tools: readonly ToolCommand[] },
  start: (run: (io: CliIo) => Promise<number>) => Promise<void>,
): void {
  const group = program.command(name).description(summary);
  for (const tool of tools) {
    const command = group.command(tool.name).description(tool.summary).allowExcessArguments(false);
    for (const option of tool.options) command.addOption(toolOption(option));
    command.action(() => start((io) => tool.run(new ToolValues(flagsGiven(command)), io)));
  }
}

function toolOption({ flag, valueName, description, default: value, repeatable }: ToolOption): ProgramOption {
  const option = new ProgramOption(valueName === undefined ? `--${flag}` : `--${flag} <${valueName}>`, description);
  if (repeatable) option.argParser((one: string, before: readonly string[] | undefined) => [...(before ?? []), one]);
  return value === undefined ? option : option.default(value);
}

/** `dns query` is the command `query` of the command `dns`, which has to be declared before it. */
function declare(program: Program, { name, summary, operands = [] }: CliCommand): Program {
  const words = name.split(' ');
  const own = words.pop() ?? name;
  const parent = words.reduce((at, word) => at.commands.find((known) => known.name() === word) ?? at, program);
  // What stands behind the name of an inner command is the inner command's.
  const command = parent.command(own).description(summary).allowExcessArguments(false).enablePositionalOptions();
  for (const operand of operands) command.argument(operand);
  return command;
}

interface Performance {
  readonly config: Config;
  readonly commands: readonly CliCommand[];
  readonly io: CliIo;
  readonly operands: readonly string[];
}

/** The command, or what an option of kube-proxy wants instead of it. */
async function perform(command: CliCommand, { config, commands, io, operands }: Performance): Promise<number> {
  if (config.writeConfigTo !== undefined) {
    await writeConfig(config, config.writeConfigTo);
    return 0;
  }
  const cleanup = commands.find(({ name }) => name === 'cleanup');
  if (!config.cleanup || cleanup === undefined) return command.run(config, io, operands);
  return cleanup.run({ ...config, backend: undefined }, io, []); // As in kube-proxy: the rules of all modes.
}

/** In the log of commands that log; elsewhere like other complaints about the input. */
function warn(
  warnings: readonly string[],
  { command, config, io }: { command: Command; config: Config; io: CliIo },
): void {
  if (!(OPTIONS.logFormat.commands as readonly Command[]).includes(command)) {
    for (const warning of warnings) io.err(`warning: ${warning}\n`);
    return;
  }
  const log = createLog({ level: config.logLevel, format: config.logFormat, write: io.err, colour: io.errColour });
  for (const warning of warnings) log.warn(warning);
}

function versionText(request: 'plain' | 'raw'): string {
  const { version } = packageJson;
  return request === 'plain'
    ? version
    : JSON.stringify({ version, node: process.version, platform: `linux/${process.arch}` });
}

function badArguments({ message }: CommanderError): SluiceError {
  const line = message
    .replace(/^error: /, '')
    .split('\n')
    .join(' ');
  return new SluiceError({ code: 'bad-config', message: line, hint: 'see sluice --help' });
}

/** Every flag that a command takes, under our names and kube-proxy's; those without effect are not in the help. */
function spellingsFor(command: Command): readonly ProgramOption[] {
  const used = Object.entries(OPTION_GROUPS).flatMap(([group, options]) =>
    Object.values<Option>(options)
      .filter((option) => option.commands.includes(command))
      .flatMap((option) => spellingsOf(option))
      .map((spelling) => spelling.helpGroup(`${group}:`)),
  );
  if (command !== DEFAULT_COMMAND) return used;
  const unused = UNUSED_OPTIONS.flatMap(({ flag, kind }) =>
    flag === undefined ? [] : [new ProgramOption(`--${flag} ${kind === 'switch' ? '[bool]' : '<value>'}`).hideHelp()],
  );
  return [...used, ...unused];
}

/** The option under its own name, and under kube-proxy's where that is another. */
function spellingsOf(option: Option): readonly ProgramOption[] {
  const argument = { switch: '[bool]', value: `<${option.valueName}>`, list: `<${option.valueName}...>` }[option.kind];
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const main = new ProgramOption(`${short}--${option.flag} ${argument}`, descriptionOf(option));
  if (option.alias === undefined) return [main];
  return [
    main,
    new ProgramOption(`--${option.alias} ${argument}`, `the same as --${option.flag}, as kube-proxy calls it`),
  ];
}

function descriptionOf(option: Option): string {
  const fallback = option.defaultText ?? [option.default].flat().join(' ');
  const shown = fallback === '' || fallback === 'false' ? '' : `default: ${fallback.replaceAll('`', '')}; `;
  return `${option.description} (${shown}${variableOf(option)})`;
}

/** By flag without dashes; commander keeps them in camel case. */
function flagsGiven(command: Program): Readonly<Record<string, unknown>> {
  const opts: Readonly<Record<string, unknown>> = command.opts();
  return Object.fromEntries(
    command.options
      .map((option) => [option.name(), opts[option.attributeName()]] as const)
      .filter(([, value]) => value !== undefined),
  );
}
