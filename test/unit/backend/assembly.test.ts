import { describe, expect, test } from 'vitest';
import type { Assembly, Piece, Spelling } from '../../../src/backend/assembly.ts';
import { assemble } from '../../../src/backend/assembly.ts';
import type { ServicePlan } from '../../../src/compiler/plan.ts';
import { nodePlan, planOf, servicePlan, sketch } from '../../support/plans.ts';
import { plainRules } from '../../support/rule-sets.ts';

const NODE = nodePlan('IPv4');

/** Spells whatever a test says that a Service consists of; remembers who was spelled. */
function toySpelling(pieces: Readonly<Record<string, readonly Piece[]>>, base: readonly Piece[] = []) {
  const spelled: string[] = [];
  const spelling: Spelling = {
    shape: (_family, id) => ({ ordered: id.startsWith('chain'), definition: `defined ${id}` }),
    base: () => ({ pieces: base, objects: ['chain always', 'set always'] }),
    service: ({ name }) => {
      spelled.push(name);
      return pieces[name] ?? [];
    },
  };
  return { spelling, spelled };
}

function service(name: string): ServicePlan {
  return servicePlan(sketch('IPv4', { name }), NODE);
}

function piece(object: string, key: string, ...lines: string[]): Piece {
  return { object, key, lines };
}

const SHARED = piece('set s', 'shared', 'x');
const PIECES = {
  a: [SHARED, piece('chain c', '2', 'two', 'and a half'), SHARED],
  b: [SHARED, piece('chain c', '1', 'one'), piece('chain c', '10', 'ten')],
  c: [piece('chain only c', '', 'line')],
};

/** Assembles the named Services step by step. */
function history(spelling: Spelling, ...steps: readonly (readonly string[])[]): Assembly {
  const plans = new Map<string, ServicePlan>();
  const planNamed = (name: string): ServicePlan => {
    const plan = plans.get(name) ?? service(name);
    plans.set(name, plan);
    return plan;
  };
  let assembly: Assembly | undefined;
  for (const names of steps) assembly = assemble(spelling, planOf('IPv4', names.map(planNamed), NODE), assembly);
  if (assembly === undefined) throw new Error('no step');
  return assembly;
}

describe('assemble', () => {
  test('puts pieces in the order of their keys into chains, and by key into containers', () => {
    const { spelling } = toySpelling(PIECES, [piece('chain always', '1', 'base')]);
    expect(plainRules(history(spelling, ['a', 'b']).rules)).toEqual({
      'chain always': { definition: 'defined chain always', lines: ['base'] },
      'chain c': { definition: 'defined chain c', lines: ['one', 'ten', 'two', 'and a half'] },
      'set always': { definition: 'defined set always', members: {} },
      'set s': { definition: 'defined set s', members: { shared: ['x'] } },
    });
  });

  test.each<[string, readonly (readonly string[])[], boolean]>([
    ['both have it', [['a', 'b']], true],
    ['one of two left', [['a', 'b'], ['b']], true],
    ['the one that had it twice left', [['a', 'b'], ['a']], true],
    ['both left', [['a', 'b'], ['a'], []], false],
    ['both left at once', [['a', 'b'], []], false],
    ['one took the place of the other', [['a'], ['b']], true],
    ['and back', [['a'], ['b'], ['a']], true],
  ])('a shared piece: %s', (_name, steps, there) => {
    const { rules } = history(toySpelling(PIECES).spelling, ...steps);
    const object = rules.get('set s');
    expect(object?.ordered === false && object.members.has('shared')).toBe(there);
  });

  test('a chain goes with its last piece, a container stays', () => {
    const { spelling } = toySpelling(PIECES);
    const { rules } = history(spelling, ['a', 'c'], []);
    expect([...rules.keys()].sort()).toEqual(['chain always', 'set always', 'set s']);
  });

  test('a chain that always exists outlives the pieces that come and go', () => {
    const { spelling } = toySpelling({ a: [piece('chain always', '1', 'line')] });
    expect(plainRules(history(spelling, ['a'], []).rules)).toEqual(plainRules(history(spelling, []).rules));
    expect(plainRules(history(spelling, [], ['a'], []).rules)).toEqual(plainRules(history(spelling, []).rules));
  });

  test('spells a changed Service as it was and as it is, and nobody else', () => {
    const { spelling, spelled } = toySpelling(PIECES);
    const plans = ['a', 'b', 'c'].map(service);
    const first = assemble(spelling, planOf('IPv4', plans, NODE));
    expect(spelled.splice(0).sort()).toEqual(['a', 'b', 'c']);
    const [a, b, c] = plans as [ServicePlan, ServicePlan, ServicePlan];
    const second = assemble(spelling, planOf('IPv4', [a, { ...b }, c], NODE), first);
    expect(spelled.splice(0)).toEqual(['b', 'b']);
    assemble(spelling, planOf('IPv4', [a, c], NODE), second);
    expect(spelled.splice(0)).toEqual(['b']);
    assemble(spelling, planOf('IPv4', [a, b, c], { ...NODE }), second);
    expect(spelled.splice(0).sort()).toEqual(['a', 'b', 'c']);
  });

  test('of the same plan gives the same rules', () => {
    const plan = planOf('IPv4', [service('a')], NODE);
    const { spelling } = toySpelling(PIECES);
    const first = assemble(spelling, plan);
    expect(assemble(spelling, plan, first).rules).toBe(first.rules);
  });

  test('of another family starts from nothing', () => {
    const { spelling } = toySpelling(PIECES);
    const first = assemble(spelling, planOf('IPv4', [service('a')], NODE));
    expect(plainRules(assemble(spelling, planOf('IPv6', [service('c')], NODE), first).rules)).toEqual(
      plainRules(assemble(spelling, planOf('IPv6', [service('c')], NODE)).rules),
    );
  });

  test('two Services that spell a piece differently: the result does not depend on who came first', () => {
    const { spelling } = toySpelling({ a: [piece('set s', 'k', 'of a')], b: [piece('set s', 'k', 'of b')] });
    const members = (...steps: readonly (readonly string[])[]) =>
      plainRules(history(spelling, ...steps).rules)['set s'];
    const both = members(['a', 'b']);
    expect([members(['a'], ['a', 'b']), members(['b'], ['a', 'b']), members(['b', 'a'])]).toEqual([both, both, both]);
    expect(members(['a', 'b'], ['b'])).toEqual(members(['b']));
    expect(members(['b'], ['a', 'b'], ['a'])).toEqual(members(['a']));
  });
});
