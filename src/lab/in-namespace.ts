/**
 * Has the kernel end the program with the one who started it, however that one ends; it may have ended before the kernel was
 * asked, so that is looked at too.
 */
const ENTER = `
setpriv --pdeathsig keep true 2>/dev/null || exec "$@"
exec setpriv --pdeathsig TERM sh -c '[ "$PPID" = "$0" ] && exec "$@"' PARENT "$@"
`;

/**
 * The command that runs a program in one of the lab's network namespaces, under the process id that the command is started with.
 * It is for this very process to start. Where `setpriv` is installed the program ends with us.
 */
export function commandIn(netns: string, argv: readonly string[]): [string, ...string[]] {
  const enter = ENTER.replace('PARENT', String(process.pid));
  return ['ip', 'netns', 'exec', netns, 'sh', '-c', enter, 'sluice', ...argv];
}
