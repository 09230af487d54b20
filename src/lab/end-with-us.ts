/**
 * The last lines of a shell script that this very process starts: they run the script's arguments in the shell's place, and have
 * the kernel end them with us, however we end, where `setpriv` is installed. We may have ended before the kernel was asked, so
 * that is looked at too.
 */
export function execThatEndsWithUs(): string {
  return `
setpriv --pdeathsig keep true 2>/dev/null || exec "$@"
exec setpriv --pdeathsig TERM sh -c '[ "$PPID" = "$0" ] && exec "$@"' ${process.pid} "$@"
`;
}
