import type { ObjectShape, Spelling } from '../assembly.ts';
import type { BackendSettings } from '../contract.ts';
import type { ObjectId } from '../rules.ts';
import { baseRules } from './base.ts';
import { isBuiltIn } from './names.ts';
import { serviceRules } from './service.ts';

/** Of a built-in chain we own some lines (the jumps to ours), of our own chains all. */
const JUMPS = 'jumps';
const CHAIN = 'chain';

export function shapeOf(id: ObjectId): ObjectShape {
  return { ordered: true, definition: isBuiltIn(id) ? JUMPS : CHAIN };
}

/** The bucketed layout (README.md). Every object is a chain; its id is table and name. */
export function iptablesSpelling(settings: BackendSettings): Spelling {
  return {
    shape: (_family, id) => shapeOf(id),
    base: (plan) => baseRules(plan, settings),
    service: serviceRules,
  };
}
