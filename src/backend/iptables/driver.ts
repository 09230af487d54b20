import type { Driver, DriverOptions, Inspection, PacketCounts } from '../contract.ts';
import type { ChangeSet, RuleSet } from '../rules.ts';
import { choosePrograms } from '../xtables/programs.ts';
import { Xtables } from '../xtables/xtables.ts';
import { invalidPackets, localhostNodePortPackets } from './counters.ts';
import { CHAINS, isOwnChain } from './names.ts';

/** Programs one family through `iptables-save` and `iptables-restore` of the node's variant, found at the first use. */
export class IptablesDriver implements Driver {
  readonly #options: DriverOptions;
  #tables: Promise<Xtables> | undefined;

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

  async #opened(): Promise<Xtables> {
    const { runner, family, settings, own } = this.#options;
    this.#tables ??= choosePrograms(runner, settings.iptablesVariant).then(
      (programs) => new Xtables({ runner, family, programs, ownership: isOwnChain, own }),
    );
    try {
      return await this.#tables;
    } catch (thrown) {
      this.#tables = undefined;
      throw thrown;
    }
  }
}
