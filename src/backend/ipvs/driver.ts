import { PersistentMap } from '../../base/persistent-map.ts';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { inSlices } from '../../base/steps.ts';
import type { Driver, DriverOptions, Inspection } from '../contract.ts';
import type { ChangeSet, RuleObject, RuleSet } from '../rules.ts';
import { NO_CHANGES } from '../rules.ts';
import { choosePrograms } from '../xtables/programs.ts';
import { Xtables } from '../xtables/xtables.ts';
import { departed, removals, stillLeaving, without } from './departures.ts';
import { encodeChange, isChain, serversIn } from './encode.ts';
import { Machine } from './machine.ts';
import { ADDRESSES, isOwnChain, VIRTUAL_SERVERS } from './names.ts';
import { parseAddresses, parseMarks, parseServers, parseSets } from './parse.ts';
import { DEFAULT_IPVS } from './render.ts';
import type { Leaving, Surroundings } from './surroundings.ts';
import { corrected, NO_SURROUNDINGS } from './surroundings.ts';

/** How often destinations that are leaving are looked at, while there are any. */
const LOOK_PERIOD_MS = 10_000;

/** What a reading found. */
interface Seen {
  readonly rules: RuleSet;
  readonly chains: Inspection;
  readonly surroundings: Surroundings;
}

/** Programs one family through ipvsadm, ipset, ip and the iptables programs. */
export class IpvsDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #clock: Clock;
  readonly #machine: Machine;
  #surroundings: Surroundings = NO_SURROUNDINGS;
  #xtables: Promise<Xtables> | undefined;
  /** Writing goes one by one: syncs, and in between the removal of who has left. */
  #writing: Promise<unknown> = Promise.resolve();
  #cancelLook: (() => void) | undefined;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#machine = new Machine(options.runner, options.own);
  }

  read(): Promise<RuleSet> {
    return this.#alone(async () => {
      const { rules, chains, surroundings } = await this.#readAll();
      chains.accept(NO_CHANGES);
      this.#surroundings = surroundings;
      this.#lookLater();
      return rules;
    });
  }

  async inspect(): Promise<Inspection> {
    const { rules, chains, surroundings } = await this.#readAll();
    return {
      rules,
      accept: (drift) => {
        chains.accept(drift);
        this.#surroundings = corrected(this.#surroundings, surroundings, serversIn(drift));
        this.#lookLater();
      },
    };
  }

  apply(change: ChangeSet): Promise<number> {
    return this.#alone(() => this.#apply(change));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelLook?.();
    // Whoever has no connection does not have to wait for the next start.
    await this.#look().catch(() => undefined);
  }

  async #readAll(): Promise<Seen> {
    const { family, settings } = this.#options;
    const { excludeCidrs } = settings.ipvs ?? DEFAULT_IPVS;
    const xtables = await this.#opened();
    const [chains, sets, addresses, servers] = await Promise.all([
      xtables.inspect(),
      this.#machine.sets(),
      this.#machine.addresses(),
      this.#machine.servers(),
    ]);
    const found = new Map(await inSlices(parseSets(sets, family)));
    if (addresses !== undefined) found.set(ADDRESSES, parseAddresses(addresses, family));
    const { objects, marks } = parseMarks(found, family, settings.masqueradeBit);
    const traces = { family, objects, marks, excludeCidrs };
    const { own, leaving, foreign } = await inSlices(parseServers(servers, traces));
    const virtualServers: RuleObject = { ordered: false, definition: '', members: own };
    const rules = PersistentMap.of<RuleObject>([...chains.rules, ...objects, [VIRTUAL_SERVERS, virtualServers]]);
    return { rules, chains, surroundings: { leaving, foreign, marks } };
  }

  async #apply(change: ChangeSet): Promise<number> {
    const { family, settings } = this.#options;
    const inputs = { family, masqueradeBit: settings.masqueradeBit, surroundings: this.#surroundings };
    const { steps, after } = encodeChange(change, inputs);
    let written = 0;
    for (const step of steps) {
      if (step.tool === 'iptables') {
        const objects = change.objects.filter(({ id }) => isChain(id));
        written += await (await this.#opened()).write({ objects, members: [] });
      } else {
        written += await this.#machine.write(step.tool, step.lines);
      }
    }
    this.#surroundings = after;
    this.#lookLater();
    return written;
  }

  #lookLater(): void {
    if (this.#closed || this.#cancelLook !== undefined || this.#surroundings.leaving.size === 0) return;
    this.#cancelLook = this.#clock.after(LOOK_PERIOD_MS, () => {
      this.#cancelLook = undefined;
      // What goes wrong is tried again, and a verification would see what stays for good.
      void this.#look()
        .catch(() => undefined)
        .then(() => this.#lookLater());
    });
  }

  /** Removes destinations whose connections have ended. Looking holds up nobody; removing is quick. */
  async #look(): Promise<void> {
    if (this.#surroundings.leaving.size === 0) return;
    const table = await this.#machine.table();
    const seen = departed(table ?? '', this.#options.family, this.#surroundings);
    if (seen.size > 0) await this.#alone(() => this.#remove(seen));
  }

  async #remove(seen: Leaving): Promise<void> {
    const { leaving } = this.#surroundings;
    // A sync may have come between: who is wanted again stays.
    const gone = stillLeaving(seen, leaving);
    if (gone.size === 0) return;
    await this.#machine.write('ipvsadm', removals(gone, this.#options.family, this.#surroundings.marks));
    this.#surroundings = { ...this.#surroundings, leaving: without(this.#surroundings.leaving, gone) };
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#writing.then(work);
    this.#writing = result.catch(() => undefined);
    return result;
  }

  async #opened(): Promise<Xtables> {
    const { runner, family, settings, own } = this.#options;
    this.#xtables ??= choosePrograms(runner, settings.iptablesVariant).then(
      (programs) => new Xtables({ runner, family, programs, ownership: isOwnChain, own }),
    );
    try {
      return await this.#xtables;
    } catch (thrown) {
      this.#xtables = undefined;
      throw thrown;
    }
  }
}
