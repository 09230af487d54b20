import type { CommandRunner } from '../kernel/command.ts';
import { interfaceAddresses } from '../kernel/interfaces.ts';
import { addLoopbackAddress, removeLoopbackAddress } from '../kernel/loopback.ts';
import type { IpAddress } from '../model/address.ts';
import { parseIpAddress } from '../model/address.ts';

/** The addresses that this machine has because DNS is answered there. */
export class OwnAddresses {
  readonly #runner: CommandRunner;
  readonly #ours: Set<string>;

  /** @param before those of an earlier process, which may still be there. */
  constructor(runner: CommandRunner, before: readonly string[]) {
    this.#runner = runner;
    this.#ours = new Set(before);
  }

  get all(): ReadonlySet<string> {
    return this.#ours;
  }

  /** Has these, and no others of ours. What the machine had by itself stays. @throws {SluiceError} when one cannot be added. */
  async set(wanted: readonly IpAddress[]): Promise<void> {
    for (const address of this.#ours) {
      if (wanted.some((other) => other === address)) continue;
      const parsed = parseIpAddress(address);
      if (parsed !== undefined) await removeLoopbackAddress(parsed, this.#runner);
      this.#ours.delete(address);
    }
    const there = new Set(interfaceAddresses());
    for (const address of wanted) {
      if (there.has(address)) continue;
      this.#ours.add(address);
      await addLoopbackAddress(address, this.#runner);
    }
  }
}
