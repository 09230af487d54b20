import { SluiceError, toSluiceError } from '../../base/errors.ts';
import { inSlices } from '../../base/steps.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import type { OwnProcesses } from '../../kernel/own-processes.ts';
import type { IpFamily } from '../../model/address.ts';
import { IP_FAMILIES } from '../../model/address.ts';
import type { Driver, DriverOptions, Inspection, PacketCounts } from '../contract.ts';
import type { ChangeSet, ObjectId, RuleSet } from '../rules.ts';
import { isEmptyChange } from '../rules.ts';
import { invalidPackets, localhostNodePortPackets } from './counters.ts';
import { encodeChange } from './encode.ts';
import { iptablesFailure, isTooLarge } from './failure.ts';
import type { Table } from './names.ts';
import { CHAINS } from './names.ts';
import { chainsHeldByOthers, parseSaveInSteps } from './parse.ts';
import { byTable, sizeOf, splitChange } from './split.ts';
import type { Programs, Variant } from './variant.ts';
import { hasKubeletHint, INFIXES, parseVersion, programName, VARIANTS } from './variant.ts';

/** How long `iptables-restore` waits for the lock that the legacy variant shares with every other program; as kube-proxy. */
const LOCK_WAIT_S = 5;

/** For questions that nothing depends on. */
const SHORT_LOCK_WAIT_S = 1;

/** Changes up to this size are never too large for the kernel, so that both tables can go into one call. */
const SMALL_CHANGE = 100;

/** What fits into the 208 KiB that a message may have where nobody may ask for more. */
const SIZE_OF_PARTS = 256;

/** One set of programs per variant that is installed; the plain names only where there are no others. */
export async function findPrograms(runner: CommandRunner): Promise<readonly Programs[]> {
  const found = await Promise.all(INFIXES.map((infix) => askVersion(runner, infix)));
  const known = found.filter((programs) => programs !== undefined);
  return VARIANTS.flatMap((variant) => known.find((programs) => programs.variant === variant) ?? []);
}

async function askVersion(runner: CommandRunner, infix: string): Promise<Programs | undefined> {
  const program = programName('IPv4', { infix }, '');
  try {
    const { exitCode, stdout } = await runner.run(program, ['--version']);
    return exitCode === 0 ? parseVersion(infix, stdout) : undefined;
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (error.code === 'command-missing') return undefined;
    throw error;
  }
}

/**
 * The variant that kubelet uses on this node, as the wrapper in Kubernetes images finds it; without a trace of kubelet
 * the one that plain `iptables` is.
 *
 * @throws {SluiceError} `command-missing` when the programs of the wanted variant, or of any, are not installed.
 */
export async function choosePrograms(runner: CommandRunner, wanted?: Variant): Promise<Programs> {
  const installed = await findPrograms(runner);
  if (wanted !== undefined) return installed.find(({ variant }) => variant === wanted) ?? missingPrograms(wanted);
  for (const programs of installed) {
    if (await kubeletUses(runner, programs)) return programs;
  }
  const usual = await askVersion(runner, '');
  return installed.find(({ variant }) => variant === usual?.variant) ?? installed[0] ?? missingPrograms();
}

/** @throws {SluiceError} `command-missing`, always. */
export function missingPrograms(variant?: Variant): never {
  throw new SluiceError({
    code: 'command-missing',
    message: `the iptables programs${variant === undefined ? '' : ` of the variant ${variant}`} are not installed or not in PATH`,
    hint: 'install them (package iptables on most distributions), or choose another backend',
  });
}

async function kubeletUses(runner: CommandRunner, programs: Programs): Promise<boolean> {
  // Asking the legacy variant for a table would make it; without a name it shows those that exist.
  const args = programs.variant === 'legacy' ? [] : ['-t', 'mangle'];
  for (const family of IP_FAMILIES) {
    try {
      const { stdout } = await runner.run(programName(family, programs, '-save'), args);
      if (hasKubeletHint(stdout)) return true;
    } catch (thrown) {
      if (toSluiceError(thrown).code !== 'command-missing') throw thrown;
    }
  }
  return false;
}

/** Reads and writes one family of one variant. */
export class IptablesTables {
  readonly #runner: CommandRunner;
  readonly #family: IpFamily;
  readonly #programs: Programs;
  #sizeLimit = Number.POSITIVE_INFINITY;
  /** Characters written so far. */
  #fed = 0;
  /** As of the last reading. */
  #held: ReadonlySet<ObjectId> = new Set();

  readonly #own: OwnProcesses | undefined;

  constructor(at: {
    readonly runner: CommandRunner;
    readonly family: IpFamily;
    readonly programs: Programs;
    readonly own?: OwnProcesses | undefined;
  }) {
    this.#runner = at.runner;
    this.#family = at.family;
    this.#programs = at.programs;
    this.#own = at.own;
  }

  async read(): Promise<RuleSet> {
    const { rules, held } = await this.#look();
    this.#held = held;
    return rules;
  }

  async inspect(): Promise<Inspection> {
    const { rules, held } = await this.#look();
    return { rules, accept: () => void (this.#held = held) };
  }

  /** Our rules. A chain that is empty and held by others is as good as gone. */
  async #look(): Promise<{ readonly rules: RuleSet; readonly held: ReadonlySet<ObjectId> }> {
    const saved = await this.#save();
    const held = await inSlices(chainsHeldByOthers(saved));
    const rules = await inSlices(parseSaveInSteps(saved));
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

/** Programs one family through `iptables-save` and `iptables-restore` of the node's variant, found at the first use. */
export class IptablesDriver implements Driver {
  readonly #options: DriverOptions;
  #tables: Promise<IptablesTables> | undefined;

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  async read(): Promise<RuleSet> {
    return (await this.#opened()).read();
  }

  async inspect(): Promise<Inspection> {
    return (await this.#opened()).inspect();
  }

  async apply(change: ChangeSet): Promise<number> {
    return (await this.#opened()).write(change);
  }

  async countPackets(): Promise<PacketCounts | undefined> {
    const tables = await this.#opened();
    const forward = await tables.listCounted('filter', CHAINS.forward);
    const services = await tables.listCounted('nat', CHAINS.services);
    if (forward === undefined || services === undefined) return undefined;
    const localhostNodePorts = localhostNodePortPackets(services, this.#options.family);
    return { invalid: invalidPackets(forward), localhostNodePorts };
  }

  async close(): Promise<void> {
    // Nothing runs between two calls.
  }

  async #opened(): Promise<IptablesTables> {
    const { runner, family, settings, own } = this.#options;
    this.#tables ??= choosePrograms(runner, settings.iptablesVariant).then(
      (programs) => new IptablesTables({ runner, family, programs, own }),
    );
    try {
      return await this.#tables;
    } catch (thrown) {
      this.#tables = undefined;
      throw thrown;
    }
  }
}
