import type { Backend } from '../../src/backend/contract.ts';
import { BACKENDS } from '../../src/backend/registry.ts';
import type { Variant } from '../../src/backend/xtables/variant.ts';
import { VARIANTS } from '../../src/backend/xtables/variant.ts';

/** A way to program this machine that whole-program tests go through. */
export interface ProgramVariant {
  readonly title: string;
  readonly backend: Backend;
  /** Which kernel interface; not for nft. */
  readonly iptables?: Variant;
  /** More options of `sluice run`. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** Every backend that most kernels have, once for each kernel interface that it can write to; IPVS is for test/uml. */
export const PROGRAM_VARIANTS = BACKENDS.flatMap((backend): readonly ProgramVariant[] => {
  if (backend.name === 'ipvs') return [];
  if (backend.name !== 'iptables') return [{ title: backend.name, backend }];
  return VARIANTS.map((iptables) => ({ title: `iptables (${iptables})`, backend, iptables }));
});
