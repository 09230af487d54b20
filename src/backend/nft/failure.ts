import type { ErrorCode } from '../../base/errors.ts';
import { SluiceError } from '../../base/errors.ts';

/** The first complaint in what nft printed, without the position in the batch. */
function firstComplaint(output: string): string {
  const line = output.split('\n').find((text) => text.includes('Error:')) ?? output.trim().split('\n')[0] ?? '';
  return line
    .slice(Math.max(0, line.indexOf('Error:')))
    .replace(/^Error: /, '')
    .trim();
}

const HINTS = {
  'kernel-refused': 'the log line has what nft said; nothing of this batch was written',
  'rules-unreadable': 'the log line has what nft said',
} as const satisfies Partial<Record<ErrorCode, string>>;

/** What a failed nft call means, as an error with a code and a way out; `otherwise` is the code of what has none of its own. */
export function nftFailure(
  output: string,
  doing: string,
  otherwise: keyof typeof HINTS = 'kernel-refused',
): SluiceError {
  const complaint = firstComplaint(output);
  const data = { output: output.slice(0, 4000), tooLong: /Message too long|No buffer space available/.test(output) };
  if (/Operation not permitted|you must be root/i.test(output)) {
    return new SluiceError({
      code: 'permission-denied',
      message: `nft may not ${doing}: ${complaint}`,
      hint: 'run as root or with the capability NET_ADMIN (and in the network namespace of the node)',
      data,
    });
  }
  if (/Operation not supported|Protocol not supported/i.test(output)) {
    return new SluiceError({
      code: 'kernel-unsupported',
      message: `the kernel cannot ${doing}: ${complaint}`,
      hint: 'nftables with NAT, fib and concatenated sets is needed: Linux 5.13 or newer with nf_tables, nft_nat, nft_masq, nft_fib, nft_numgen',
      data,
    });
  }
  if (/No buffer space available|Cannot allocate memory|Too many open files|Resource temporarily/.test(output)) {
    return new SluiceError({
      code: 'command-failed',
      message: `nft could not ${doing} for lack of resources: ${complaint}`,
      hint: 'it is tried again; look for a machine without memory or file descriptors',
      data,
    });
  }
  return new SluiceError({
    code: otherwise,
    message: `nft could not ${doing}: ${complaint}`,
    hint: HINTS[otherwise],
    data,
  });
}
