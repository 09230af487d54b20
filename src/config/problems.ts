import { SluiceError } from '../base/errors.ts';
import { quote } from '../model/fields.ts';

/** What is wrong with one option. */
export interface OptionProblem {
  /** `--cluster-cidr`, `SLUICE_CLUSTER_CIDR` or `config.conf:12: clusterCIDR`, as it was given. */
  readonly option: string;
  /** As it was given; absent when it is the lack of a value that is wrong. */
  readonly value?: unknown;
  readonly reason: string;
}

/** An error that names every problem; they are in `data.problems`. */
export function badConfig(problems: readonly OptionProblem[], hint: string): SluiceError {
  const lines = problems.map(({ option, value, reason }) =>
    value === undefined ? `${option} ${reason}` : `${option}: ${quote(value)} ${reason}`,
  );
  return new SluiceError({ code: 'bad-config', message: lines.join('; '), hint, data: { problems } });
}
