import { describe, expect, it } from 'vitest';
import { LineDialog } from '../../../src/lab/line-dialog.ts';

const PATIENCE_MS = 10_000;

const perl = (script: string): [string, ...string[]] => ['perl', '-e', `$| = 1; ${script}`];

describe('a child that is asked in lines', () => {
  it('answers in the order of the questions', async () => {
    const dialog = await LineDialog.start('echo', perl('print "<$_>\\n" while chomp($_ = <STDIN> // last), 1'));
    const asked = ['a', 'b', 'c'].map((line) => dialog.ask(line, PATIENCE_MS));
    expect(await Promise.all(asked)).toEqual(['<a>', '<b>', '<c>']);
    await dialog.stop();
    await dialog.stop();
  });

  it('that ends is quoted with what it said first', async () => {
    const dialog = await LineDialog.start('it', perl('<STDIN>; warn "no such thing\\n"; die "giving up\\n"'));
    await expect(dialog.ask('?', PATIENCE_MS)).rejects.toMatchObject({
      code: 'lab-failed',
      message: 'it: it ended (no such thing)',
    });
    await expect(dialog.ask('?', 50)).rejects.toMatchObject({ code: 'lab-failed' });
  });

  it('that says nothing is not waited for', async () => {
    const dialog = await LineDialog.start('it', perl('sleep 60'));
    await expect(dialog.ask('?', 50)).rejects.toMatchObject({ message: 'it: no answer for 50 ms' });
    await dialog.stop();
  });
});
