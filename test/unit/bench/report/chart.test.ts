import { describe, expect, it } from 'vitest';
import { drawChart } from '../../../../src/bench/report/chart.ts';
import { CHART, legendOf } from '../../../../src/bench/report/frame.ts';
import { BARS, LINES } from '../../../support/bench-report.ts';
import { elementsOf } from '../../../support/markup.ts';

const textsOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = '']) => text);

/** Every number that is a position. */
function positionsOf(svg: string): { readonly x: readonly number[]; readonly y: readonly number[] } {
  const of = (names: string): number[] =>
    [...svg.matchAll(new RegExp(` (?:${names})="([-\\d.]+)"`, 'g'))].map(([, number]) => Number(number));
  return { x: of('x|x1|x2|cx'), y: of('y|y1|y2|cy') };
}

describe.each([
  ['lines', LINES],
  ['bars', BARS],
])('%s', (_kind, chart) => {
  const svg = drawChart(chart);

  it('are well formed, with every text escaped', () => {
    expect(elementsOf(svg)[0]).toBe('svg');
    expect(svg).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
  });

  it('stay inside the picture', () => {
    const { x, y } = positionsOf(svg);
    for (const one of x) expect(one >= 0 && one <= CHART.width).toBe(true);
    for (const one of y) expect(one >= 0 && one <= CHART.height).toBe(true);
  });

  it('are the same for the same chart', () => {
    expect(drawChart(chart)).toBe(svg);
  });
});

describe('lines', () => {
  const svg = drawChart(LINES);

  it('have ticks at the sizes that were measured, and a dot with its value at each', () => {
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['1k', '10k', 'Services', '100 ms', 'nft: kernel floor']));
    expect(svg).toContain('nft: 600 ms at 10k Services');
  });

  it('go from left to right, whatever the order of the points', () => {
    const [, path = ''] = / d="([^"]+)"/.exec(svg) ?? [];
    const xs = [...path.matchAll(/[ML]([\d.]+) /g)].map(([, x]) => Number(x));
    expect(xs).toHaveLength(2);
    expect(xs).toEqual(xs.toSorted((a, b) => a - b));
  });

  it('leave out what has no place on a logarithmic axis', () => {
    expect(svg).not.toContain('direct: 0 ms');
  });
});

describe('bars', () => {
  const heightsOf = (svg: string): readonly number[] =>
    [...svg.matchAll(/class="bar [^>]*height="([\d.]+)"/g)].map(([, height]) => Number(height));

  it('are as long as their values, with the value above; nothing where there is none', () => {
    const svg = drawChart(BARS);
    const [half = 0, whole = 0, quarter = 0, ...others] = heightsOf(svg);
    expect([half / whole, quarter / whole, others]).toEqual([expect.closeTo(0.5, 2), expect.closeTo(0.25, 2), []]);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(['50 ms', '100 ms', '25 ms']));
  });

  it('are dots where the axis is logarithmic', () => {
    const svg = drawChart({ ...BARS, y: { ...BARS.y, scale: 'log' } });
    expect(heightsOf(svg)).toEqual([]);
    expect(elementsOf(svg).filter((name) => name === 'circle')).toHaveLength(3 + 2); // values + legend
  });
});

it('gives a floor the colour of the series it belongs to', () => {
  const series = [
    { name: 'ipvs' },
    { name: 'nft' },
    { name: 'nft: kernel floor', floor: true },
    { name: 'direct', floor: true },
  ];
  expect(legendOf(series).map(({ className }) => className)).toEqual(['s1', 's2', 's2 floor', 'neutral floor']);
});
