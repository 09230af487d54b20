import { SluiceError } from '../../base/errors.ts';

/** A call of ipset, ipvsadm or ip that did not do what it was told. */
export interface FailedCall {
  readonly program: string;
  readonly exitCode: number;
  readonly stderr: string;
  /** What went to standard input. */
  readonly input?: string;
}

/** What else does what this backend does, on any kernel since 5.13. */
export const OTHER_BACKEND = 'choose another backend: --proxy-mode nftables needs none of it and is faster';

const MODULES = 'ip_vs, ip_vs_rr (or that of another scheduler), ip_set, xt_set, xt_ipvs, dummy';

/** The kernel cannot do what the backend needs. */
export function unsupported(what: string, data: Readonly<Record<string, unknown>>): SluiceError {
  return new SluiceError({
    code: 'kernel-unsupported',
    message: what,
    hint: `load the kernel's modules (modprobe ${MODULES.replace(/ \(.*?\)/, '').replaceAll(',', '')}) where they exist, or ${OTHER_BACKEND}`,
    data,
  });
}

const NOISE = /^(?:Are you sure that IP Virtual Server.*|Command failed .*)?$/;

function complaintOf(stderr: string): string {
  return (
    stderr
      .split('\n')
      .map((line) =>
        line.replace(/^(?:(?:ipset v[\d.]+|Error(?: in line \d+)?|ipv[46]|RTNETLINK answers): )+/, '').trim(),
      )
      .find((line) => !NOISE.test(line)) ?? 'no reason given'
  );
}

/** `Error in line 7: …` of ipset, `Command failed -:7` of ip; ipvsadm does not say. */
function culpritOf({ stderr, input }: FailedCall): { readonly line: number; readonly text: string } | undefined {
  const number = /Error in line (\d+):|Command failed -:(\d+)/.exec(stderr);
  const line = Number(number?.[1] ?? number?.[2]);
  const text = input?.split('\n')[line - 1];
  return text === undefined || text === '' ? undefined : { line, text };
}

/** What a failed call means, as an error with a code and a way out. */
export function ipvsFailure(call: FailedCall, doing: string): SluiceError {
  const { program, exitCode, stderr } = call;
  const complaint = complaintOf(stderr);
  const data = { program, exitCode, stderr: stderr.slice(0, 4000) };
  if (/must be root|Permission denied|Operation not permitted/.test(stderr)) {
    return new SluiceError({
      code: 'permission-denied',
      message: `${program} may not ${doing}: ${complaint}`,
      hint: 'run as root or with the capability NET_ADMIN (and in the network namespace of the node)',
      data,
    });
  }
  if (/Can't initialize ipvs|Cannot open session to kernel|set type not supported|Unknown device type/.test(stderr)) {
    return unsupported(`the kernel cannot ${doing} with ${program}: ${complaint}`, data);
  }
  const culprit = culpritOf(call);
  const where = culprit === undefined ? '' : ` (line ${culprit.line}: ${culprit.text})`;
  return new SluiceError({
    code: 'kernel-refused',
    message: `${program} could not ${doing}: ${complaint}${where}`,
    hint: 'what was written before it stays, and is compared again at the next try',
    data: { ...data, ...culprit },
  });
}
