import { expect, it } from 'vitest';
import { createProgress } from '../../../src/bench/progress.ts';

function shown(live: boolean): string {
  let text = '';
  const progress = createProgress({ write: (part) => void (text += part), live });
  progress.show(1, 4, 'nft');
  progress.note('ipvs: left out');
  progress.show(4, 4, 'done');
  progress.end();
  return text;
}

it('writes a line per step where nothing can be written over', () => {
  expect(shown(false)).toBe('1/4 nft\nipvs: left out\n4/4 done\n');
});

it('keeps one line at a terminal, under the notes, and removes it', () => {
  const text = shown(true);
  const lines = text.split('\n').map((line) => line.split('\u001B[K').at(-1));
  expect(lines).toEqual(['ipvs: left out', '']);
  expect(text).toContain('██████░░░░░░░░░░░░░░░░░░  25 % nft');
});

it('cuts what would wrap', () => {
  let text = '';
  createProgress({ write: (part) => void (text += part), live: true }).show(0, 1, 'x'.repeat(500));
  expect(text.replace('\r\u001B[K', '')).toHaveLength(79);
});
