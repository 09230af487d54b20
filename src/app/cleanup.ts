import { BACKENDS, backendNamed } from '../backend/registry.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Config } from '../config/resolve.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { systemRunner } from '../kernel/command.ts';
import { interceptedBefore, removeInterception } from '../kernel/dns-interception.ts';
import { removeLoopbackAddress } from '../kernel/loopback.ts';
import { parseIpAddress } from '../model/address.ts';

export interface CleanupResult {
  /** One line per thing that was removed. */
  readonly removed: readonly string[];
  /** Backends that could not be looked at because their tool is not installed, with what to do. */
  readonly skipped: readonly string[];
}

/**
 * Removes everything that sluice or kube-proxy wrote, of one backend or of all.
 *
 * @throws {SluiceError} when rules cannot be removed; the tool of a backend that was asked for by name must be there.
 */
export async function cleanup(
  config: Pick<Config, 'backend'>,
  runner: CommandRunner = systemRunner,
): Promise<CleanupResult> {
  const named = config.backend === undefined ? undefined : backendNamed(config.backend);
  const removed: string[] = [];
  const skipped: string[] = [];
  for (const backend of named === undefined ? BACKENDS : [named]) {
    try {
      removed.push(...(await backend.cleanup(runner)));
    } catch (thrown) {
      const error = toSluiceError(thrown);
      if (error.code !== 'command-missing' || named !== undefined) throw error;
      skipped.push(`${backend.name}: ${error.message}`);
    }
  }
  removed.push(...(await removeDns(runner)));
  return { removed, skipped };
}

/** The interception of DNS queries, and the addresses for it, of a process that could not do so itself. */
async function removeDns(runner: CommandRunner): Promise<readonly string[]> {
  const removed: string[] = [];
  try {
    for (const address of (await interceptedBefore(runner)).flatMap((text) => parseIpAddress(text) ?? [])) {
      if (await removeLoopbackAddress(address, runner)) removed.push(`address ${address} of lo`);
    }
    removed.push(...(await removeInterception(runner)));
  } catch (thrown) {
    const error = toSluiceError(thrown);
    // Without nft there is nobody who could have written such rules from this file system.
    if (error.code !== 'command-missing') throw error;
  }
  return removed;
}
