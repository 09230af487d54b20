import type { CommandResult, CommandRunner } from '../../kernel/command.ts';
import type { OwnProcesses } from '../../kernel/own-processes.ts';
import type { Tool } from './encode.ts';
import { TOOLS } from './encode.ts';
import type { FailedCall } from './failure.ts';
import { ipvsFailure } from './failure.ts';
import { DEVICE } from './names.ts';

/** The programs other than those of iptables: what they say, and what they are told. */
export class Machine {
  readonly #runner: CommandRunner;

  readonly #onStarted: { readonly onStarted?: (pid: number) => void };

  /** Notes the processes that write. */
  constructor(runner: CommandRunner, own?: OwnProcesses) {
    this.#runner = runner;
    this.#onStarted = own === undefined ? {} : { onStarted: own.add };
  }

  /** `ipset save`: every ipset of this network namespace. */
  async sets(): Promise<string> {
    return (await this.#ask('ipset', ['save'], 'read the ipsets')).stdout;
  }

  /** `ipset list -terse`: every ipset without its entries, but with their number. */
  async setHeads(): Promise<string> {
    return (await this.#ask('ipset', ['list', '-terse'], 'list the ipsets')).stdout;
  }

  /** `ip address show`; `undefined` when there is no such device. */
  async addresses(): Promise<string | undefined> {
    const result = await this.#runner.run('ip', ['-o', 'address', 'show', 'dev', DEVICE]);
    if (result.exitCode !== 0 && result.stderr.includes('does not exist')) return undefined;
    return expectSuccess({ program: 'ip', ...result }, 'read the addresses').stdout;
  }

  /** `ipvsadm --save`: every virtual server. */
  async servers(): Promise<string> {
    return (await this.#ask('ipvsadm', ['--save', '--numeric'], 'read the virtual servers')).stdout;
  }

  /** The kernel's own table, with the number of connections; `undefined` where IPVS is not loaded. Asking does not load it. */
  async table(): Promise<string | undefined> {
    const { exitCode, stdout } = await this.#runner.run('cat', ['/proc/net/ip_vs']);
    return exitCode === 0 ? stdout : undefined;
  }

  /** @returns how many characters were written. @throws {SluiceError} `kernel-refused` and others. */
  async write(tool: Tool, lines: readonly string[]): Promise<number> {
    const [program, ...args] = TOOLS[tool];
    const input = `${lines.join('\n')}\n`;
    const { exitCode, stderr } = await this.#runner.run(program, args, { input, ...this.#onStarted });
    // ipvsadm goes on after an error, and its exit code is that of the last line.
    const complained = tool === 'ipvsadm' && stderr.trim() !== '';
    if (exitCode !== 0 || complained) throw ipvsFailure({ program, exitCode, stderr, input }, 'write the rules');
    return input.length;
  }

  async #ask(program: string, args: readonly string[], doing: string): Promise<CommandResult> {
    return expectSuccess({ program, ...(await this.#runner.run(program, args)) }, doing);
  }
}

function expectSuccess(result: CommandResult & Pick<FailedCall, 'program'>, doing: string): CommandResult {
  if (result.exitCode !== 0) throw ipvsFailure(result, doing);
  return result;
}
