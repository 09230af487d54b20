import { ERRORS } from '../../src/base/errors.ts';
import { SCENARIOS } from '../../src/bench/sync/scenarios.ts';
import type { Option } from '../../src/config/options.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { settingOf } from '../../src/config/file.ts';
import type { MetricSpec } from '../../src/observe/metric-spec.ts';
import { METRICS } from '../../src/observe/metrics.ts';
import { UNUSED_OPTIONS } from '../../src/config/options-unused.ts';
import { differenceRows } from './coredns/differences.ts';
import { corefileRows } from './corefile-table.ts';

/** The README's generated tables, by the name in their markers `<!-- table: name -->` … `<!-- end -->`. */
export const README_TABLES: Readonly<Record<string, () => string>> = {
  options: () =>
    table(
      ['Option', 'Field of the file', 'Default', 'Commands', 'Meaning'],
      Object.values<Option>(OPTIONS).map((option) => [
        spellings(option),
        fieldOf(option),
        option.defaultText ?? defaultOf(option),
        option.commands.join(', '),
        option.description,
      ]),
    ),
  unused: () =>
    table(
      ['Flag', 'Field of the file', 'Why'],
      UNUSED_OPTIONS.map(({ flag, field, reason }) => [
        flag === undefined ? '–' : `\`--${flag}\``,
        field === undefined ? '–' : `\`${field.path}\``,
        reason,
      ]),
    ),
  corefile: () => table(['In a Corefile', 'Here'], corefileRows()),
  coredns: () => table(['What', 'CoreDNS 1.13', 'sluice'], differenceRows()),
  errors: () =>
    table(
      ['Code', 'Meaning', 'What to do'],
      Object.entries(ERRORS).map(([code, { meaning, remedy }]) => [`\`${code}\``, meaning, remedy]),
    ),
  scenarios: () =>
    table(
      ['Scenario', 'What is measured'],
      Object.entries(SCENARIOS).map(([id, { text }]) => [`\`${id}\``, text]),
    ),
  metrics: () =>
    table(
      ['Metric', 'Type', 'Labels', 'Modes', 'Meaning'],
      Object.entries<MetricSpec>(METRICS).map(([name, { type, labels, modes, help }]) => [
        `\`${name}\``,
        type,
        labels.join(', ') || '–',
        modes?.join(', ') ?? 'all',
        help,
      ]),
    ),
};

function spellings({ flag, short, alias }: Option): string {
  const others = [
    short === undefined ? [] : [`-${short}`],
    alias === undefined || alias === short ? [] : [`--${alias}`],
  ].flat();
  return [`--${flag}`, ...others].map((spelling) => `\`${spelling}\``).join(', ');
}

/** Where it is in a KubeProxyConfiguration; for our own settings, its name in a SluiceConfiguration. */
function fieldOf(option: Option): string {
  const { field } = option;
  const paths =
    field === undefined ? [] : [field.path].flatMap((path) => Object.values(typeof path === 'string' ? [path] : path));
  const setting = settingOf(option)?.name;
  const names = [...new Set(paths), ...(setting === undefined ? [] : [`sluice: ${setting}`])];
  return names.length === 0 ? '–' : names.map((name) => `\`${name}\``).join(', ');
}

function defaultOf(option: Option): string {
  const text = [option.default ?? ''].flat().join(' ');
  return text === '' || text === 'false' ? '–' : `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

const BLOCK = /<!-- table: (\w+) -->\n[\s\S]*?<!-- end -->/g;

/** The README with its tables as they should be. @throws when it names a table that there is not. */
export function withTables(readme: string): string {
  return readme.replace(BLOCK, (_, name: string) => {
    const make = README_TABLES[name];
    if (make === undefined)
      throw new Error(`README.md has a table ${name} that test/support/readme-tables.ts cannot make`);
    return `<!-- table: ${name} -->\n${make()}\n<!-- end -->`;
  });
}
