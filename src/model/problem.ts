/**
 * Something in the input that could not be used. It is reported once and costs only what it says:
 * a `skipped` object is left out whole, of an `ignored` one just the named part is.
 */
export interface Problem {
  readonly kind: string;
  /** `namespace/name`, or what could be found out about the object's name. */
  readonly object: string;
  /** JSON path inside the object, such as `spec.ports[0].port`; empty for the object as a whole. */
  readonly path: string;
  readonly effect: 'skipped' | 'ignored';
  /** What is wrong, with the offending value, one line. */
  readonly message: string;
  /** Where the object came from: `file.yaml:12`, when it came from a file. */
  readonly origin?: string;
}

/** `Service default/web: spec.ports[0].port: 70000 is not a port number (object skipped)`. */
export function describeProblem(problem: Problem): string {
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const origin = problem.origin === undefined ? '' : `${problem.origin}: `;
  return `${origin}${problem.kind} ${problem.object}: ${path}${problem.message} (${problem.effect})`;
}
