import { SluiceError, toSluiceError } from '../../base/errors.ts';
import { inSlices } from '../../base/steps.ts';
import type { IpFamily } from '../../model/address.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { NftSession } from '../../kernel/nft-session.ts';
import type { Driver, DriverOptions, Inspection, SliceWriter } from '../contract.ts';
import type { ChangeSet, RuleSet } from '../rules.ts';
import type { EncodedChange, SlotTable } from './encode.ts';
import { encodeChange, encodeRebuild, KUBE_PROXY_OBJECT, needsRebuild, NO_SLOTS } from './encode.ts';
import { nftFailure } from './failure.ts';
import { KUBE_PROXY_TABLE, NFT_FAMILY, TABLE } from './names.ts';
import type { ParsedTable } from './parse.ts';
import { parseTableInSteps } from './parse.ts';

/** Batches up to this size go through the long-lived nft, which starts for the second one; larger ones are parsed faster from a file. */
const SESSION_LIMIT_CHARACTERS = 32_000;

/** Service ports: small at first, so that nft has something to do soon; each costs a start of nft and a look of the kernel at all verdicts. */
const SLICES = { first: 500, most: 8000 };

/** Every listing gets as long as this. */
const MIN_LISTING_MS = 5000;

const ABSENT = /^Error: No such file or directory/;
const GONE = /No such file or directory/;

/** How long a batch may take: 10,000 Services are 5 MB and take less than a second on a machine that has nothing else to do. */
const MIN_BATCH_MS = 10_000;
const MAX_BATCH_MS = 120_000;

/** Programs one family through the nft program. */
export class NftDriver implements Driver {
  readonly #family: IpFamily;
  readonly #runner: CommandRunner;
  readonly #session: NftSession;
  /** Characters written so far. */
  #fed = 0;
  #slots: SlotTable = NO_SLOTS;
  /** Objects that could not be deleted yet, by the command that deletes them. */
  #leftover: readonly string[] = [];
  /** How long the last listing took. */
  #listingMs = 0;

  readonly slices: SliceWriter = {
    ...SLICES,
    prepare: (change, wanted) => this.#prepare(change, wanted),
  };
  readonly #onStarted: { readonly onStarted?: (pid: number) => void };

  constructor({ family, runner, own }: DriverOptions, session?: NftSession) {
    this.#family = family;
    this.#runner = runner;
    this.#onStarted = own === undefined ? {} : { onStarted: own.add };
    this.#session = session ?? new NftSession(this.#onStarted);
  }

  async read(): Promise<RuleSet> {
    const { rules, slots } = await this.#look();
    this.#leftover = [];
    this.#slots = slots;
    return rules;
  }

  async inspect(): Promise<Inspection> {
    // nft begins anew whenever rules change while it lists them, and would never end when that happens all the time.
    const { rules, slots } = await this.#look(Math.max(MIN_LISTING_MS, 4 * this.#listingMs));
    const leftover = this.#leftover.map((command) => command.replace(/^delete (\w+) .* (\S+)$/, '$1 $2'));
    return {
      rules: rules.update((draft) => leftover.forEach((id) => draft.delete(id))),
      accept: ({ members }) => {
        this.#slots = this.#slots.update((draft) => {
          for (const { id, key } of members) {
            const seen = slots.get(`${id} ${key}`);
            if (seen === undefined) draft.delete(`${id} ${key}`);
            else draft.set(`${id} ${key}`, seen);
          }
        });
      },
    };
  }

  async #look(timeoutMs?: number): Promise<ParsedTable> {
    const family = NFT_FAMILY[this.#family];
    // Not the tables: for these nft fetches all elements of all families (0.4 s beside 10,000 Services). What it prints names all tables.
    const chains = await this.#list(['list', 'chains', family]);
    const startMs = performance.now();
    const listing = await this.#list(['list', 'table', family, TABLE], timeoutMs);
    this.#listingMs = performance.now() - startMs;
    const found = await inSlices(parseTableInSteps(listing));
    if (!chains.includes(`table ${family} ${KUBE_PROXY_TABLE} {\n`)) return found;
    return { ...found, rules: found.rules.set(KUBE_PROXY_OBJECT, { ordered: true, definition: '', lines: [] }) };
  }

  async apply(change: ChangeSet, wanted: RuleSet): Promise<number> {
    return this.#prepare(change, wanted)();
  }

  #prepare(change: ChangeSet, wanted: RuleSet): () => Promise<number> {
    const encoded = encodeChange(this.#family, change, this.#slots);
    const ready = needsRebuild(encoded) ? encodeRebuild(this.#family, wanted, change) : encoded;
    return async () => {
      const fedBefore = this.#fed;
      await this.#write(ready);
      return this.#fed - fedBefore;
    };
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async #write({ prepare, groups, retire, sweep, slots }: EncodedChange): Promise<void> {
    await this.#runGroups(prepare);
    try {
      await this.#runGroups(groups);
    } catch (thrown) {
      // The next read finds what stays even so.
      await this.#run(undo(prepare)).catch(() => undefined);
      throw thrown;
    }
    await this.#runGroups(retire);
    this.#slots = slots;
    // What this batch declared is in use again.
    const inUse = new Set(declarations([...prepare, ...groups]));
    const leftover = this.#leftover.filter((command) => !inUse.has(command.slice('delete '.length)));
    await this.#sweep([...leftover, ...sweep]);
  }

  /**
   * Harmless when it fails: the objects are empty and unused. Then each is tried by itself, because one that is gone already, for
   * nft may have died after it deleted it, fails all the others. What stays is tried again with the next batch, and found by
   * the next read.
   */
  async #sweep(commands: readonly string[]): Promise<void> {
    this.#leftover = [];
    try {
      await this.#run(commands);
    } catch {
      const stays: string[] = [];
      for (const command of commands) {
        try {
          await this.#run([command]);
        } catch (thrown) {
          if (!GONE.test(toSluiceError(thrown).message)) stays.push(command);
        }
      }
      this.#leftover = stays;
    }
  }

  async #runGroups(groups: EncodedChange['groups']): Promise<void> {
    try {
      await this.#run(groups.flat());
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || thrown.data['tooLong'] !== true || groups.length === 1) throw thrown;
      for (const group of groups) await this.#run(group);
    }
  }

  async #run(commands: readonly string[]): Promise<void> {
    if (commands.length === 0) return;
    const size = commands.reduce((sum, command) => sum + command.length + 2, 0);
    const isFirst = this.#fed === 0;
    this.#fed += size;
    const output =
      size <= SESSION_LIMIT_CHARACTERS && !isFirst
        ? await this.#session.run(commands.join('; ').replaceAll('\n', ' '))
        : await this.#runFile(`${commands.join('\n')}\n`);
    if (output.includes('Error')) throw nftFailure(output, 'write the rules');
  }

  async #runFile(input: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.#runner.run('nft', ['-f', '-'], {
      input,
      timeoutMs: Math.min(MAX_BATCH_MS, MIN_BATCH_MS + input.length / 100),
      ...this.#onStarted,
    });
    return exitCode === 0 ? '' : `${stderr}${stdout}\nError: exit code ${exitCode}`;
  }

  /** Nothing when there is no such table. */
  async #list(args: readonly string[], timeoutMs?: number): Promise<string> {
    const limit = timeoutMs === undefined ? {} : { timeoutMs };
    const { exitCode, stdout, stderr } = await this.#runner.run('nft', args, { ...limit, largeOutput: true });
    if (exitCode !== 0 && ABSENT.test(stderr)) return '';
    if (exitCode !== 0) throw nftFailure(stderr, `read the rules (nft ${args.join(' ')})`, 'rules-unreadable');
    return stdout;
  }
}

/** `chain ip sluice tcp-cluster-3`, `set …`: the objects that commands make. */
function declarations(groups: EncodedChange['groups']): readonly string[] {
  return groups.flat().flatMap((command) => /^add ((?:chain|set) \S+ \S+ \S+)/.exec(command)?.[1] ?? []);
}

/** Removes what was prepared for a change that was refused. */
function undo(prepare: EncodedChange['prepare']): readonly string[] {
  const made = declarations(prepare);
  const chains = made.filter((object) => object.startsWith('chain '));
  return [...chains.map((chain) => `flush ${chain}`), ...made.map((object) => `delete ${object}`)];
}
