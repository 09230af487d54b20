import { SluiceError } from '../../base/errors.ts';

/** A call of one of the iptables programs that ended with an exit code other than zero. */
export interface FailedCall {
  readonly program: string;
  readonly exitCode: number;
  readonly stderr: string;
  /** What went to standard input. */
  readonly input?: string;
}

/** The spellings of: `line 7 failed`, `line 7: RULE_APPEND failed (Invalid argument): …`, `Error occurred at line: 7`. */
const LINE_NUMBER = /\bline:? (\d+)\b/;
const NOISE = /^(?:Try `.*|Error occurred at line: \d+)?$/;
const PROGRAM_AND_VERSION = /^ip6?tables[\w-]*(?: v[\d.]+(?: \(\w+\))?)?: ?/;

/** The first line of what the program printed that says something, without the program's name. */
function complaintOf(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(PROGRAM_AND_VERSION, '').trim());
  return lines.find((line) => !NOISE.test(line)) ?? 'no reason given';
}

/** The line of the input that the program stumbled over; the legacy kernel interface names only the line of the COMMIT. */
function culpritOf({ stderr, input }: FailedCall): { readonly line: number; readonly text: string } | undefined {
  const number = LINE_NUMBER.exec(stderr)?.[1];
  const text = input?.split('\n')[Number(number) - 1];
  return text === undefined || text === '' ? undefined : { line: Number(number), text };
}

/** Was the batch refused for its size alone? */
export function isTooLarge(stderr: string): boolean {
  return stderr.includes('sendmsg() failed: Message too long');
}

/** What a failed call means, as an error with a code and a way out. */
export function iptablesFailure(call: FailedCall, doing: string): SluiceError {
  const { program, exitCode, stderr } = call;
  const complaint = complaintOf(stderr);
  const data = { program, exitCode, stderr: stderr.slice(0, 4000) };
  if (/holding the xtables lock|Can't lock /.test(stderr)) {
    return new SluiceError({
      code: 'lock-busy',
      message: `${program} could not ${doing}: another program holds the iptables lock`,
      hint: 'it is tried again; a program that keeps the lock for seconds writes too many rules or hangs',
      data,
    });
  }
  if (/you must be root|Permission denied/.test(stderr)) {
    return new SluiceError({
      code: 'permission-denied',
      message: `${program} may not ${doing}: ${complaint}`,
      hint: 'run as root or with the capability NET_ADMIN (and in the network namespace of the node)',
      data,
    });
  }
  if (/Table does not exist|do you need to insmod|can't initialize|Could not fetch rule set generation/.test(stderr)) {
    return new SluiceError({
      code: 'kernel-unsupported',
      message: `the kernel cannot ${doing} with ${program}: ${complaint}`,
      hint: 'load the modules of this variant (iptable_nat and iptable_filter, or nf_tables and nft_compat) or use the other',
      data,
    });
  }
  if (/No buffer space available|Cannot allocate memory|Too many open files|Resource temporarily/.test(stderr)) {
    return new SluiceError({
      code: 'command-failed',
      message: `${program} could not ${doing} for lack of resources: ${complaint}`,
      hint: 'it is tried again; look for a machine without memory or file descriptors',
      data,
    });
  }
  const culprit = culpritOf(call);
  const where = culprit === undefined ? '' : ` (line ${culprit.line}: ${culprit.text})`;
  return new SluiceError({
    code: 'kernel-refused',
    message: `${program} could not ${doing}: ${complaint}${where}`,
    hint: 'nothing of the table in question was written',
    data: { ...data, ...culprit },
  });
}
