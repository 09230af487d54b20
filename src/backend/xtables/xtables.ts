import { SluiceError } from '../../base/errors.ts';
import { inSlices } from '../../base/steps.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import type { OwnProcesses } from '../../kernel/own-processes.ts';
import type { IpFamily } from '../../model/address.ts';
import type { Inspection } from '../contract.ts';
import type { ChangeSet, ObjectId, RuleSet } from '../rules.ts';
import { isEmptyChange } from '../rules.ts';
import { encodeChange } from './encode.ts';
import { iptablesFailure, isTooLarge } from './failure.ts';
import type { ChainOwnership, Table } from './names.ts';
import { chainsHeldByOthers, parseChains } from './parse.ts';
import { byTable, sizeOf, splitChange } from './split.ts';
import type { Programs } from './variant.ts';
import { programName } from './variant.ts';

/** How long `iptables-restore` waits for the lock that the legacy variant shares with every other program; as kube-proxy. */
const LOCK_WAIT_S = 5;

/** For questions that nothing depends on. */
const SHORT_LOCK_WAIT_S = 1;

/** Changes up to this size are never too large for the kernel, so that both tables can go into one call. */
const SMALL_CHANGE = 100;

/** What fits into the 208 KiB that a message may have where nobody may ask for more. */
const SIZE_OF_PARTS = 256;

export interface XtablesOptions {
  readonly runner: CommandRunner;
  readonly family: IpFamily;
  readonly programs: Programs;
  readonly ownership: ChainOwnership;
  /** Where the processes that write are noted. */
  readonly own?: OwnProcesses | undefined;
}

/** Reads and writes one family of one variant. */
export class Xtables {
  readonly #runner: CommandRunner;
  readonly #family: IpFamily;
  readonly #programs: Programs;
  readonly #ownership: ChainOwnership;
  readonly #own: OwnProcesses | undefined;
  #sizeLimit = Number.POSITIVE_INFINITY;
  /** Characters written so far. */
  #fed = 0;
  /** As of the last reading. */
  #held: ReadonlySet<ObjectId> = new Set();

  constructor({ runner, family, programs, ownership, own }: XtablesOptions) {
    this.#runner = runner;
    this.#family = family;
    this.#programs = programs;
    this.#ownership = ownership;
    this.#own = own;
  }

  async read(): Promise<RuleSet> {
    const { rules, held } = await this.#look();
    this.#held = held;
    return rules;
  }

  /** The same, for which {@link write} need not wait. */
  async inspect(): Promise<Inspection> {
    const { rules, held } = await this.#look();
    return { rules, accept: () => void (this.#held = held) };
  }

  /** Our rules. A chain that is empty and held by others is as good as gone. */
  async #look(): Promise<{ readonly rules: RuleSet; readonly held: ReadonlySet<ObjectId> }> {
    const saved = await this.#save();
    const held = await inSlices(chainsHeldByOthers(saved, this.#ownership));
    const rules = await inSlices(parseChains(saved, this.#ownership));
    return {
      held,
      rules: rules.update((draft) => {
        for (const id of held) {
          const chain = draft.get(id);
          if (chain?.ordered === true && chain.lines.length === 0) draft.delete(id);
        }
      }),
    };
  }

  async #save(): Promise<string> {
    const program = programName(this.#family, this.#programs, '-save');
    const { exitCode, stdout, stderr } = await this.#runner.run(program, []);
    if (exitCode === 0) return stdout;
    const failure = iptablesFailure({ program, exitCode, stderr }, 'read the rules');
    if (failure.code !== 'kernel-refused') throw failure;
    throw new SluiceError({ code: 'rules-unreadable', message: failure.message, data: failure.data });
  }

  /** One chain with its packet counters, as rules; `undefined` when it is not there or cannot be read now. */
  async listCounted(table: Table, chain: string): Promise<string | undefined> {
    const program = programName(this.#family, this.#programs, '');
    const args = ['-w', String(SHORT_LOCK_WAIT_S), '-t', table, '-v', '-S', chain];
    const { exitCode, stdout } = await this.#runner.run(program, args);
    return exitCode === 0 ? stdout : undefined;
  }

  /**
   * In one step per table, unless the kernel refuses a message of that size: that is so in user namespaces, where programs
   * cannot raise the limit (`net.core.wmem_max`). Then it is written in parts, and what worked is remembered.
   *
   * @returns how many characters were written.
   */
  async write(change: ChangeSet): Promise<number> {
    if (isEmptyChange(change)) return 0;
    const fedBefore = this.#fed;
    const parts = sizeOf(change) <= SMALL_CHANGE ? [change] : byTable(change);
    for (const part of parts) await this.#writeWithinLimit(part);
    return this.#fed - fedBefore;
  }

  async #writeWithinLimit(change: ChangeSet): Promise<void> {
    const parts = sizeOf(change) <= this.#sizeLimit ? [change] : splitChange(change, this.#sizeLimit);
    for (const part of parts) await this.#writePart(part);
  }

  async #writePart(change: ChangeSet): Promise<void> {
    const program = programName(this.#family, this.#programs, '-restore');
    const input = encodeChange(change, this.#held);
    const args = ['-w', String(LOCK_WAIT_S), '--noflush'];
    this.#fed += input.length;
    const { exitCode, stderr } = await this.#runner.run(program, args, {
      input,
      ...(this.#own === undefined ? {} : { onStarted: this.#own.add }),
    });
    if (exitCode === 0) return;
    // A chain is written as a whole or not at all: one that is too large by itself is refused.
    if (isTooLarge(stderr) && sizeOf(change) > SMALL_CHANGE && change.objects.length > 1) {
      this.#sizeLimit = Math.min(SIZE_OF_PARTS, Math.ceil(sizeOf(change) / 2));
      await this.#writeWithinLimit(change);
      return;
    }
    throw iptablesFailure({ program, exitCode, stderr, input }, 'write the rules');
  }
}
