import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import { nftSpelling } from '../../../../src/backend/nft/render.ts';
import { tracesOf } from '../../../../src/backend/nft/traces.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { NO_RULES } from '../../../../src/backend/rules.ts';
import { compile } from '../../../../src/compiler/compile.ts';
import { IP_FAMILIES } from '../../../../src/model/address.ts';
import { histories, World } from '../../../support/snapshots.ts';

/** `set service-ips 10.96.0.1 . tcp . 80 : goto x`; a chain is its name and lines. */
function linesOf(rules: RuleSet): readonly string[] {
  return [...rules].flatMap(([id, object]) =>
    object.ordered
      ? [`${id} ${object.lines.join('; ')}`]
      : [...object.members].map(([key, lines]) => `${id} ${key} ${lines.join(', ')}`),
  );
}

const HAIRPIN = /^set hairpin /;

test('of every Service exactly what is spelled for it, with what it shares', () => {
  fc.assert(
    fc.property(fc.constantFrom(...IP_FAMILIES), histories, (family, history) => {
      const world = new World();
      let inputs = world.now();
      for (const events of history) inputs = world.happen(events);
      const { plan } = compile({ ...inputs, family });
      const { rules } = assemble(nftSpelling, plan);
      const all = new Set(linesOf(rules));
      const services = [...plan.services.values()];
      const traces = tracesOf(services, rules);
      const only = (keep?: string): RuleSet => {
        const kept = plan.services.update((draft) => {
          for (const { key } of services) if (key !== keep) draft.delete(key);
        });
        return assemble(nftSpelling, { ...plan, services: kept }).rules;
      };
      const base = new Set(linesOf(only()));
      for (const service of services) {
        const own = linesOf(only(service.key)).filter((line) => !base.has(line));
        const found = linesOf(traces.get(service.key) ?? NO_RULES);
        expect(found.filter((line) => !all.has(line))).toEqual([]);
        // The address of an endpoint is masqueraded whoever uses it; of one that nothing leads to there is no trace.
        const isUsed = (line: string): boolean =>
          found.some((other) => !HAIRPIN.test(other) && other.includes(line.split(' ')[2] ?? ''));
        const missing = own.filter((line) => !found.includes(line));
        expect(missing.filter((line) => !HAIRPIN.test(line) || isUsed(line))).toEqual([]);
        const more = found.filter((line) => !own.includes(line) && !base.has(line));
        expect(more.filter((line) => !HAIRPIN.test(line))).toEqual([]);
      }
    }),
    { numRuns: 100 },
  );
});

test('nothing of a Service that the kernel has never heard of', () => {
  const world = new World();
  const { plan } = compile({ ...world.now(), family: 'IPv4' });
  expect(tracesOf([...plan.services.values()], NO_RULES).size).toBe(0);
});
