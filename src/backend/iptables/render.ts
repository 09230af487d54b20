import type { Spelling } from '../assembly.ts';
import type { BackendSettings } from '../contract.ts';
import { chainShape } from '../xtables/chains.ts';
import { baseRules } from './base.ts';
import { serviceRules } from './service.ts';

/** The bucketed layout (README.md). Every object is a chain; its id is table and name. */
export function iptablesSpelling(settings: BackendSettings): Spelling {
  return {
    shape: (_family, id) => chainShape(id),
    base: (plan) => baseRules(plan, settings),
    service: serviceRules,
  };
}
