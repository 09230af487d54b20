import type { DiffReport, FamilyDiff, FrontendDiff, FrontendState } from './diff-report.ts';

/** A line for people and the sign that says how it is coloured. */
interface Line {
  readonly sign: '+' | '-' | '~' | ' ';
  readonly text: string;
}

const COLOURS = { '+': '\u001B[32m', '-': '\u001B[31m', '~': '\u001B[33m', ' ': '' } as const;
const PLAIN = '\u001B[0m';
const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

/** More endpoints than this that come or go are only counted. */
const MAX_LISTED = 8;

/** A report for people: one line per destination that changes, grouped by Service, and the rules if they are in it. */
export function diffText(report: DiffReport, colour: boolean): string {
  const lines = report.families.filter(({ different }) => different).flatMap((family) => familyLines(family));
  if (lines.length === 0)
    lines.push({ sign: ' ', text: `no differences (${report.backend}, against ${report.against})` });
  return lines
    .map((line) => `${colour && line.sign !== ' ' ? `${COLOURS[line.sign]}${line.text}${PLAIN}` : line.text}\n`)
    .join('');
}

function familyLines({ family, frontends, rules }: FamilyDiff): readonly Line[] {
  const counts = (['added', 'changed', 'removed'] as const).flatMap((change) => {
    const count = frontends.filter((frontend) => frontend.change === change).length;
    return count === 0 ? [] : [`${count} ${change}`];
  });
  const destinations = counts.length === 0 ? 'no destination changes' : `destinations: ${counts.join(', ')}`;
  const width = Math.max(0, ...frontends.map((frontend) => nameOf(frontend).length));
  return [
    { sign: ' ', text: `${family}  ${destinations}; rules: ${rules.added} added, ${rules.removed} removed` },
    ...frontends.map((frontend) => frontendLine(frontend, Math.min(width, 60))),
    ...(rules.lines ?? []).map((text): Line => ({ sign: text.startsWith('+') ? '+' : '-', text: `  ${text}` })),
  ];
}

function nameOf({ service, destination }: FrontendDiff): string {
  return service ?? destination;
}

/** `~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3 → 2  (- 10.244.1.7:8080)`. */
function frontendLine(frontend: FrontendDiff, width: number): Line {
  const { kind, destination, protocol, before, after } = frontend;
  const sign = SIGNS[frontend.change];
  const socket = protocol === 'tcp' ? destination : `${destination}/${protocol}`;
  const facts = [
    `${sign} ${nameOf(frontend).padEnd(width)}`,
    `${kind} ${socket}`,
    endpointsFact(before, after),
    notesFact(before, after),
    renamedFact(before, after),
  ];
  return { sign, text: facts.filter((fact) => fact !== '').join('  ') };
}

function endpointsFact(before: FrontendState | undefined, after: FrontendState | undefined): string {
  const old = before?.endpoints ?? [];
  const now = after?.endpoints ?? [];
  if (before === undefined || after === undefined) return `endpoints ${old.length + now.length}`;
  const gone = old.filter((endpoint) => !now.includes(endpoint));
  const come = now.filter((endpoint) => !old.includes(endpoint));
  if (gone.length + come.length === 0) return `endpoints ${now.length}`;
  const moves = [...gone.map((endpoint) => `- ${endpoint}`), ...come.map((endpoint) => `+ ${endpoint}`)];
  const more = moves.length > MAX_LISTED ? [`… ${moves.length - MAX_LISTED} more`] : [];
  return `endpoints ${old.length} → ${now.length}  (${[...moves.slice(0, MAX_LISTED), ...more].join(', ')})`;
}

function notesFact(before: FrontendState | undefined, after: FrontendState | undefined): string {
  const [old, now] = [before, after].map((state) =>
    state === undefined ? undefined : state.notes.join(', ') || 'forward',
  );
  if (old === undefined || now === undefined || old === now) {
    const only = now ?? old;
    return only === 'forward' || only === undefined ? '' : `[${only}]`;
  }
  return `[${old} → ${now}]`;
}

/** The same destination of another Service than before. */
function renamedFact(before: FrontendState | undefined, after: FrontendState | undefined): string {
  const other = before?.service !== undefined && after !== undefined && before.service !== after.service;
  return other ? `(was ${before.service})` : '';
}
