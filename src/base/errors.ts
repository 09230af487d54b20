/** Every error code that sluice raises, with what it means and what helps; the README's table is made of this. */
export const ERRORS = {
  'address-unavailable': {
    meaning: 'a port for health checks or metrics cannot be listened on',
    remedy:
      'stop the program that has the port (`ss -ltnp`), or choose another address; without `--bind-address-hard-fail` it is tried again every 5 s',
  },
  'already-running': {
    meaning: 'another sluice writes the rules of this node',
    remedy: 'stop the other one, whose process id the message has; `--take-over` goes on beside it',
  },
  'api-garbled': {
    meaning: 'the API server, or something on the way, sent what cannot be understood',
    remedy: 'look for a proxy between node and API server; sluice lists again by itself',
  },
  'api-refused': {
    meaning: 'the API server answered a request with an error; the message has status and reason',
    remedy:
      '403: compare the rights with `deploy/base/rbac.yaml`; 401: look at the token or certificate that the kubeconfig names; others pass or are the server’s',
  },
  'api-unreachable': {
    meaning: 'the API server cannot be reached, or went silent',
    remedy:
      'try `curl` to the server address of the kubeconfig from the node; the rules stay as they are and sluice goes on trying',
  },
  'bad-config': {
    meaning: 'an option has a wrong value, or options contradict one another',
    remedy: 'correct what the message names; `sluice run --help` has every option',
  },
  'bad-object': {
    meaning: 'a manifest has an object that cannot be used, and `--strict` is set',
    remedy: 'correct the objects that the warnings name, or go without `--strict`',
  },
  'bad-yaml': {
    meaning: 'a manifest is not YAML or JSON; the message has file, line and column',
    remedy: 'correct the file at that place; with `--watch` its last good content stays in force',
  },
  'command-failed': {
    meaning: 'a program that sluice needs could not be run or died',
    remedy: 'run the program by hand as the same user; its own message is in the log',
  },
  'command-missing': {
    meaning: 'a program that sluice needs is not installed',
    remedy: 'install the package that the hint names',
  },
  'command-timeout': {
    meaning: 'a program that sluice needs did not finish in time and was ended',
    remedy:
      'look for another program that holds netfilter (`ps`, `lsof /run/xtables.lock`), or an overloaded machine; it is tried again',
  },
  'file-unreadable': {
    meaning: 'a file or folder that was named cannot be read',
    remedy: 'check path and permissions; in a container, the mount',
  },
  internal: {
    meaning: 'a bug in sluice',
    remedy: 'please report it, with the log',
  },
  'kernel-refused': {
    meaning: 'tool or kernel rejected rules; nothing of that batch was written',
    remedy:
      'the log has the tool’s words; when they name a Service it alone is left as it was, and tried again when it changes',
  },
  'kernel-unsupported': {
    meaning: 'the kernel lacks a feature that the backend needs',
    remedy: 'load the modules or use a newer kernel; nft needs Linux 5.13; or choose another `--backend`',
  },
  'lab-failed': {
    meaning: 'the network namespaces of the demo could not be made',
    remedy: 'run the demo as root, or allow unprivileged user namespaces',
  },
  'lock-busy': {
    meaning: 'another program held the iptables lock for too long',
    remedy: 'find who holds `/run/xtables.lock`; it is tried again',
  },
  'other-proxy-running': {
    meaning: 'a kube-proxy seems to be running on this node',
    remedy: 'stop kube-proxy (its rules may stay, they are taken over), or go on with `--take-over`',
  },
  'permission-denied': {
    meaning: 'root or the capability NET_ADMIN is missing',
    remedy: 'run as root, or give the container NET_ADMIN (and NET_RAW for iptables-legacy)',
  },
  'rules-unreadable': {
    meaning: 'the rules in the kernel cannot be listed',
    remedy: 'run the listing that the message names by hand (`nft list table ip sluice`, `iptables-save`)',
  },
} as const satisfies Record<string, { readonly meaning: string; readonly remedy: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface SluiceErrorOptions {
  readonly code: ErrorCode;
  /** What happened and where, one line, no trailing full stop. */
  readonly message: string;
  /** What the reader can do about it, one line. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Facts for machines: file, line, object name, exit code, stderr. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * The one error class. Errors travel up and are reported once, at the edge that can act on them
 * (the applier's retry, the command line's exit code).
 */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(options: SluiceErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SluiceError';
    this.code = options.code;
    this.hint = options.hint;
    this.data = options.data ?? {};
  }
}

/** Wraps whatever was thrown, so that callers can rely on `code`. A SluiceError passes through untouched. */
export function toSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new SluiceError({
    code: 'internal',
    message,
    cause: thrown,
    hint: 'this is a bug in sluice: please report it with this log line',
  });
}

/** Makes a `switch` exhaustive: the compiler refuses a call whose argument can still be something. */
export function assertNever(value: never): never {
  throw new SluiceError({ code: 'internal', message: `unexpected value ${JSON.stringify(value)}` });
}
