import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { README_TABLES, withTables } from '../support/readme-tables.ts';

const README = fileURLToPath(new URL('../../README.md', import.meta.url));

test('the tables of the README are those of the code (`UPDATE_README=1` writes them)', () => {
  const readme = readFileSync(README, 'utf8');
  const wanted = withTables(readme);
  if (process.env['UPDATE_README'] === '1') writeFileSync(README, wanted);
  else expect(readme).toBe(wanted);
});

test.each(Object.keys(README_TABLES))('the README has the table %s', (name) => {
  expect(readFileSync(README, 'utf8')).toContain(`<!-- table: ${name} -->`);
});
