import type { ObjectShape } from '../assembly.ts';
import type { ObjectId } from '../rules.ts';
import { isBuiltIn } from './names.ts';

/** Of a built-in chain we own some lines (the jumps to ours), of our own chains all. */
const JUMPS = 'jumps';
const CHAIN = 'chain';

/** How a chain is declared, by its id. */
export function chainShape(id: ObjectId): ObjectShape {
  return { ordered: true, definition: isBuiltIn(id) ? JUMPS : CHAIN };
}
