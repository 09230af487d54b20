import { execThatEndsWithUs } from './end-with-us.ts';

/**
 * The command that runs a program in one of the lab's network namespaces, under the process id that the command is started with.
 * It is for this very process to start. Where `setpriv` is installed the program ends with us.
 */
export function commandIn(netns: string, argv: readonly string[]): [string, ...string[]] {
  return ['ip', 'netns', 'exec', netns, 'sh', '-c', execThatEndsWithUs(), 'sluice', ...argv];
}
