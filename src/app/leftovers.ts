import { BACKENDS } from '../backend/registry.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { CommandRunner } from '../kernel/command.ts';
import type { Setup } from './setup.ts';

/**
 * Removes Service rules that other backends, or this one through another kernel interface (an earlier configuration of ours,
 * or kube-proxy in another mode), left on the node. Called once our own rules are in place, so that no connection fails in between.
 */
export async function removeLeftovers(current: Setup, runner: CommandRunner, log: Log): Promise<void> {
  for (const backend of BACKENDS) {
    try {
      const removed =
        backend === current.backend
          ? await backend.cleanupUnused?.(runner, current.backendSettings)
          : await backend.cleanup(runner);
      if (removed === undefined) continue;
      if (removed.length > 0) log.info(`removed the ${backend.name} rules that were here before`, { removed });
    } catch (thrown) {
      const error = toSluiceError(thrown);
      // Without the tool there is nobody who could have written such rules from this file system.
      if (error.code === 'command-missing') continue;
      log.warn(`could not look for ${backend.name} rules of an earlier proxy: ${error.message}`, { hint: error.hint });
    }
  }
}
