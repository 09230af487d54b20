import { expect, it } from 'vitest';
import { reportPage } from '../../../../src/bench/report/page.ts';
import { chartsNamed, reportPicture } from '../../../../src/bench/report/picture.ts';
import { BARS, LINES, REPORT } from '../../../support/bench-report.ts';
import { elementsOf } from '../../../support/markup.ts';

const page = reportPage([REPORT, { ...REPORT, title: 'Packets' }]);

it('is one well-formed document with all reports', () => {
  const names = elementsOf(page);
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(names.filter((name) => name === 'h1')).toHaveLength(2);
  expect(names.filter((name) => name === 'svg')).toHaveLength(4);
  expect(page).toContain('<title>sluice: rule-sync latency, packets</title>');
});

it('needs nothing from outside: no address, no script, no file', () => {
  for (const text of [page, reportPicture(REPORT, [LINES]).replace('http://www.w3.org/2000/svg', '')]) {
    expect(text).not.toMatch(/https?:|url\(|@import|<script|<link|<img|src=|href=/i);
  }
});

it('takes no text at its word', () => {
  expect(page).not.toContain('<b>');
});

it('has paper and dark screens in mind', () => {
  expect(page).toContain('@media print');
  expect(page).toContain('prefers-color-scheme:dark');
});

it('tells of targets that were measured, and that there are others', () => {
  expect(page).toContain(
    '<td class="met">met</td><td>cold load</td><td class="number">≤ 800 ms</td><td class="number">650 ms</td>',
  );
  expect(page).toContain('<td class="missed">missed</td><td>one change</td>');
  expect(page).not.toContain('not in this run');
  expect(page).toContain('1 of 3 targets are about cases that this run has not');
});

it('names the machine, the seed and what was left out', () => {
  expect(page).toContain('2 × Example 9000, 8 GiB, Linux 6.18.1, nft 1.0.6, Node v24.1.0');
  expect(page).toContain('2026-03-01 12:34 UTC, 61 s, seed 7, load average 0.25 at the start');
  expect(page).toContain('<li>ipvs: the kernel lacks it');
});

it('makes a picture of the charts that are named, with the machine below', () => {
  expect(chartsNamed(REPORT, [])).toEqual([LINES, BARS]);
  expect(chartsNamed(REPORT, ['Create', 'Cold'])).toEqual([BARS, LINES]);
  const picture = reportPicture(REPORT, [LINES, BARS]);
  expect(elementsOf(picture).filter((name) => name === 'svg')).toHaveLength(3);
  expect(picture).toContain('2 × Example 9000');
});
