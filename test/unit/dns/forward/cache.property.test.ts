import { array, assert, boolean, constantFrom, integer, nat, oneof, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../../../src/dns/forward/answer.ts';
import { emptyAnswer, sizeOf } from '../../../../src/dns/forward/answer.ts';
import { AnswerCache, variantOf } from '../../../../src/dns/forward/cache.ts';
import type { CacheEntry, CacheItem } from '../../../../src/dns/forward/cache.ts';
import { HEADER_BYTES, TYPE } from '../../../../src/dns/wire/constants.ts';
import { key, query } from './messages.ts';

/** Of a question without an answer. */
function nothing(name: string): Answer {
  const { packet, questionEnd } = query(name);
  return emptyAnswer(packet.subarray(HEADER_BYTES, questionEnd), 0);
}

const ENTRY_BYTES = sizeOf(nothing('n0000.example'));

function item(n: number, kind: CacheEntry['kind'], variant = 4): CacheItem {
  const name = `n${String(n).padStart(4, '0')}.example`;
  return {
    name: key(name),
    variant,
    kind,
    answer: nothing(name),
    nowMs: 0,
    lifetimeMs: 1000,
  };
}

describe('the cache', () => {
  test('never holds more bytes than it may, and finds what it counts', () => {
    const put = record({
      n: nat(40),
      kind: constantFrom<CacheEntry['kind']>('success', 'denial', 'failure'),
      variant: constantFrom(4, 5, 112),
    });
    const find = record({ n: nat(40), variant: constantFrom(4, 5, 112) });
    const limits = record({ success: integer({ min: 0, max: 12 }), denial: integer({ min: 0, max: 5 }) });
    assert(
      property(limits, array(oneof(put, find), { maxLength: 120 }), (entries, steps) => {
        const bytes = { successBytes: entries.success * ENTRY_BYTES, denialBytes: entries.denial * ENTRY_BYTES };
        const cache = new AnswerCache(bytes);
        const stored = new Map<string, CacheItem>();
        for (const step of steps) {
          if (!('kind' in step)) {
            cache.find(item(step.n, 'success').name, step.variant);
            continue;
          }
          const made = item(step.n, step.kind, step.variant);
          cache.put(made);
          stored.set(`${step.n} ${step.variant}`, made);
        }
        const found = [...stored.values()].filter(({ name, variant, answer }) => {
          const entry = cache.find(name, variant);
          // Never an older answer, or one to another question.
          if (entry !== undefined) expect(entry.answer).toBe(answer);
          return entry !== undefined;
        });
        const success = cache.usage('success');
        const denial = cache.usage('denial');
        expect(success.entries).toBe(found.filter(({ kind }) => kind === 'success').length);
        expect(success.entries + denial.entries).toBe(found.length);
        expect(success.bytes).toBe(success.entries * ENTRY_BYTES);
        expect(success.bytes).toBeLessThanOrEqual(bytes.successBytes);
        expect(denial.bytes).toBeLessThanOrEqual(bytes.denialBytes);
      }),
      { numRuns: 500 },
    );
  });

  test('names that are in use survive a flood of names that are asked once', () => {
    const cache = new AnswerCache({ successBytes: 20 * ENTRY_BYTES, denialBytes: 0 });
    const popular = [item(1, 'success'), item(2, 'success'), item(3, 'success')];
    for (const each of popular) cache.put(each);
    for (let n = 100; n < 2000; n++) {
      for (const { name, variant } of popular) cache.find(name, variant);
      cache.put(item(n, 'success'));
    }
    for (const { name, variant } of popular) expect(cache.find(name, variant)).toBeDefined();
    expect(cache.usage('success')).toMatchObject({ entries: 20, evictions: 1903 - 20 });
  });

  test('a flood of denials leaves answers alone', () => {
    const cache = new AnswerCache({ successBytes: 20 * ENTRY_BYTES, denialBytes: 2 * ENTRY_BYTES });
    cache.put(item(1, 'success'));
    for (let n = 100; n < 200; n++) cache.put(item(n, 'denial'));
    expect(cache.find(key('n0001.example'), 4)).toBeDefined();
    expect(cache.usage('denial')).toMatchObject({ entries: 2, evictions: 98 });
  });
});

test('whatever differs in a question makes another variant', () => {
  assert(
    property(
      array(record({ type: nat(65_535), class: nat(65_535), dnssecOk: boolean(), cd: boolean() }), {
        minLength: 2,
        maxLength: 2,
      }),
      ([x, y]) => {
        const variants = [x, y].map((spec) => {
          if (spec === undefined) return 0;
          const base = query('a', { edns: true, dnssecOk: spec.dnssecOk, flags: spec.cd ? 0x10 : 0, type: TYPE.A });
          return variantOf({ ...base, type: spec.type, class: spec.class });
        });
        expect(variants[0] === variants[1]).toBe(JSON.stringify(x) === JSON.stringify(y));
      },
    ),
  );
});
