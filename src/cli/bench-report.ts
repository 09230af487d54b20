import { readFile } from 'node:fs/promises';
import { SluiceError } from '../base/errors.ts';
import { reportPage } from '../bench/report/page.ts';
import { chartsNamed, reportPicture } from '../bench/report/picture.ts';
import type { BenchReport } from '../bench/report/report.ts';
import { REPORT_FORMAT } from '../bench/report/report.ts';
import { terminalReport } from '../bench/report/terminal.ts';
import { writeResult } from './bench-tool.ts';
import type { ToolCommand } from './command.ts';

/** `sluice bench report`: shows what `--json` of the other commands gave, again or together. */
export const benchReportCommand: ToolCommand = {
  name: 'report',
  summary: 'show the JSON of earlier benchmarks again: as text, as one page, as a picture',
  options: [
    { flag: 'from', valueName: 'file.json', repeatable: true, description: 'what a benchmark printed with --json' },
    { flag: 'report', valueName: 'file.html', description: 'write one page with all of them' },
    { flag: 'picture', valueName: 'file.svg', description: 'write charts of the first as one picture' },
    { flag: 'chart', valueName: 'text', repeatable: true, description: 'only charts whose title has this' },
  ],
  async run(values, io) {
    const reports = await Promise.all(values.list('from').map(readReport));
    const [first] = reports;
    if (first === undefined) throw new SluiceError({ code: 'bad-config', message: '--from is missing' });
    const [page, picture] = [values.text('report'), values.text('picture')];
    if (page !== undefined) await writeResult(page, reportPage(reports));
    if (picture !== undefined) {
      const charts = chartsNamed(first, values.list('chart'));
      if (charts.length === 0)
        throw new SluiceError({ code: 'bad-config', message: '--chart: no chart has such a title' });
      await writeResult(picture, reportPicture(first, charts));
    }
    if (page === undefined && picture === undefined) {
      for (const report of reports) io.out(terminalReport(report, { colour: io.colour }));
    }
    return 0;
  },
};

async function readReport(path: string): Promise<BenchReport> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new SluiceError({ code: 'bad-config', message: `--from: ${path} ${why}`, cause });
  };
  const text = await readFile(path, 'utf8').catch((cause: unknown) => refuse('cannot be read', cause));
  try {
    const report = JSON.parse(text) as Partial<BenchReport>;
    if (report.format === REPORT_FORMAT) return report as BenchReport;
  } catch (cause) {
    return refuse('is not JSON', cause);
  }
  return refuse(`is not a report of this version (${REPORT_FORMAT})`);
}
