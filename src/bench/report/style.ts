/** Eight colours that people with any kind of colour vision tell apart in this order, on light and on dark ground. */
const SERIES = [
  { light: '#2a78d6', dark: '#3987e5' },
  { light: '#eb6834', dark: '#d95926' },
  { light: '#1baf7a', dark: '#199e70' },
  { light: '#eda100', dark: '#c98500' },
  { light: '#e87ba4', dark: '#d55181' },
  { light: '#008300', dark: '#2d9e2d' },
  { light: '#4a3aa7', dark: '#9085e9' },
  { light: '#e34948', dark: '#e66767' },
] as const;

const GROUND = {
  light: { paper: '#ffffff', ink: '#1a1a19', soft: '#5f5e5a', faint: '#e3e2dc', good: '#006300', bad: '#b3261e' },
  dark: { paper: '#1a1a19', ink: '#f2f1ec', soft: '#b3b2aa', faint: '#3a3935', good: '#4fc44f', bad: '#ff8a80' },
} as const;

function variables(ground: keyof typeof GROUND): string {
  const series = SERIES.map((colours, i) => `--s${i + 1}:${colours[ground]}`);
  const others = Object.entries(GROUND[ground]).map(([name, colour]) => `--${name}:${colour}`);
  return [...series, ...others].join(';');
}

/** Colours for both grounds, as the reader's system has it; on paper always light. */
export const COLOUR_STYLE = `
:root{${variables('light')};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}
`;

/** For charts, wherever they stand. */
export const CHART_STYLE = `
.chart{font:12px system-ui,sans-serif;fill:var(--ink)}
.chart text{fill:var(--soft)}
.chart .value,.chart .legend,.chart .category,.chart .heading{fill:var(--ink)}
.chart .value{font-size:11px}
.chart .heading{font-size:14px;font-weight:600}
.chart .grid{stroke:var(--faint);stroke-width:1}
.chart .axis{stroke:var(--soft);stroke-width:1}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}
.chart .floor{stroke-dasharray:5 4;stroke-width:1.5}
.chart .dot{stroke:var(--paper);stroke-width:1.5}
.chart .ghost{opacity:0}
.chart .neutral{stroke:var(--soft)}
${SERIES.map((_, i) => `.chart .line.s${i + 1}{stroke:var(--s${i + 1})}.chart .dot.s${i + 1},.chart .bar.s${i + 1}{fill:var(--s${i + 1})}`).join('\n')}
`;

/** For the page around the charts. */
export const PAGE_STYLE = `
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1100px;margin:0 auto;padding:24px 20px 64px}
h1{font-size:26px;margin:32px 0 4px}
h2{font-size:19px;margin:40px 0 4px;padding-top:12px;border-top:1px solid var(--faint)}
h3{font-size:14px;margin:16px 0 4px}
p,ul{max-width:75ch}
.facts{color:var(--soft);font-size:13px;margin:2px 0;max-width:none}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:8px 24px}
figure{margin:12px 0;break-inside:avoid}
figcaption{font-weight:600;font-size:14px}
figure svg{width:100%;height:auto;max-width:640px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:12px;font-variant-numeric:tabular-nums}
th,td{padding:3px 10px 3px 0;text-align:left;white-space:nowrap;border-bottom:1px solid var(--faint)}
th{color:var(--soft);font-weight:600}
.number{text-align:right}
.met{color:var(--good)}
.missed{color:var(--bad);font-weight:600}
@media print{
@page{size:A4 landscape;margin:12mm}
body{font-size:10pt;max-width:none;padding:0}
h1,h2,h3,figcaption{break-after:avoid}
h2{margin-top:20px}
.charts{grid-template-columns:1fr 1fr}
.scroll{overflow:visible}
table{font-size:7pt}
th,td{padding:1px 6px 1px 0}
tr{break-inside:avoid}
thead{display:table-header-group}
}
`;
