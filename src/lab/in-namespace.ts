/**
 * The command that runs a program in one of the lab's network namespaces, under the process id that the command is started with.
 * Where `setpriv` is installed the program ends with the one who started it, however that one ends.
 */
export function commandIn(netns: string, argv: readonly string[]): [string, ...string[]] {
  const enter = 'setpriv --pdeathsig keep true 2>/dev/null && exec setpriv --pdeathsig TERM "$@"\nexec "$@"';
  return ['ip', 'netns', 'exec', netns, 'sh', '-c', enter, 'sluice', ...argv];
}
