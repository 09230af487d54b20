import { SluiceError } from '../base/errors.ts';
import type { CliIo } from './command.ts';

/**
 * Lists what is wrong with the input, one line each.
 *
 * @throws {SluiceError} `bad-object` when something cannot be used and `strict` is set.
 */
export function reportComplaints(
  found: { readonly badObjects: readonly string[]; readonly warnings: readonly string[] },
  strict: boolean,
  io: Pick<CliIo, 'err'>,
): void {
  for (const line of [...found.badObjects, ...found.warnings]) io.err(`warning: ${line}\n`);
  const { length } = found.badObjects;
  if (!strict || length === 0) return;
  throw new SluiceError({
    code: 'bad-object',
    message: `${length === 1 ? 'one object is' : `${length} objects are`} wrong, and --strict is set`,
    hint: 'correct what the warnings name, or go without --strict',
    data: { badObjects: found.badObjects },
  });
}
