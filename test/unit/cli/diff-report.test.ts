import { describe, expect, it } from 'vitest';
import type { FrontendSummary } from '../../../src/backend/contract.ts';
import type { RuleSet } from '../../../src/backend/rules.ts';
import { NO_RULES } from '../../../src/backend/rules.ts';
import { PersistentMap } from '../../../src/base/persistent-map.ts';
import type { DiffReport } from '../../../src/cli/diff-report.ts';
import { diffReport } from '../../../src/cli/diff-report.ts';
import { diffText } from '../../../src/cli/diff-text.ts';

const WEB: FrontendSummary = {
  service: 'default/web:http',
  kind: 'ClusterIP',
  destination: '10.96.0.7:80',
  protocol: 'tcp',
  endpoints: ['10.244.1.6:8080', '10.244.1.7:8080', '10.244.1.8:8080'],
  notes: [],
};
const LESS: FrontendSummary = { ...WEB, endpoints: ['10.244.1.6:8080', '10.244.1.8:8080'] };
const NODE_PORT: FrontendSummary = { ...WEB, kind: 'NodePort', destination: '*:30080' };

/** Rules that are nothing but a summary each: as many objects as there are summaries. */
function rulesOf(summaries: readonly FrontendSummary[]): RuleSet {
  return PersistentMap.of(
    summaries.map((summary) => [
      summary.destination + summary.protocol,
      { ordered: true, definition: '', lines: [JSON.stringify(summary)] },
    ]),
  );
}

const backend = {
  name: 'fake',
  summarize: (rules: RuleSet) =>
    [...rules.values()].flatMap((object) =>
      object.ordered ? object.lines.map((line) => JSON.parse(line) as FrontendSummary) : [],
    ),
  explain: (change: { objects: readonly { id: string; before: unknown; after: unknown }[] }) =>
    change.objects.flatMap(({ id, before, after }) => [
      ...(before === undefined ? [] : [`- ${id}`]),
      ...(after === undefined ? [] : [`+ ${id}`]),
    ]),
};

function report(before: readonly FrontendSummary[], after: readonly FrontendSummary[], withRules = false): DiffReport {
  const families = [{ family: 'IPv4', before: rulesOf(before), after: rulesOf(after) }];
  return diffReport({ backend, against: 'kernel', families, badObjects: [], warnings: [], withRules });
}

function textOf(
  before: readonly FrontendSummary[],
  after: readonly FrontendSummary[],
  withRules = false,
): readonly string[] {
  return diffText(report(before, after, withRules), false)
    .trimEnd()
    .split('\n');
}

describe('a line per destination', () => {
  const many = Array.from({ length: 10 }, (_, i) => `10.0.0.${i}:80`);
  const cases: readonly [string, readonly FrontendSummary[], readonly FrontendSummary[], readonly string[]][] = [
    [
      'an endpoint less',
      [WEB],
      [LESS],
      ['~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3 → 2  (- 10.244.1.7:8080)'],
    ],
    [
      'an endpoint more',
      [LESS],
      [WEB],
      ['~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 2 → 3  (+ 10.244.1.7:8080)'],
    ],
    [
      'another endpoint',
      [{ ...WEB, endpoints: ['a'] }],
      [{ ...WEB, endpoints: ['b'] }],
      ['~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 1 → 1  (- a, + b)'],
    ],
    ['new', [], [WEB], ['+ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3']],
    ['gone', [WEB], [], ['- default/web:http  ClusterIP 10.96.0.7:80  endpoints 3']],
    [
      'another protocol is another destination',
      [{ ...WEB, protocol: 'udp' }],
      [WEB],
      [
        '+ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3',
        '- default/web:http  ClusterIP 10.96.0.7:80/udp  endpoints 3',
      ],
    ],
    [
      'verdict',
      [{ ...WEB, notes: ['drop from outside'] }],
      [WEB],
      ['~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3  [drop from outside → forward]'],
    ],
    [
      'no endpoints left',
      [WEB],
      [{ ...WEB, endpoints: [], notes: ['reject'] }],
      [
        '~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3 → 0  (- 10.244.1.6:8080, - 10.244.1.7:8080, - 10.244.1.8:8080)  [forward → reject]',
      ],
    ],
    [
      'handed over',
      [{ ...WEB, service: 'default/old:http' }],
      [WEB],
      ['~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3  (was default/old:http)'],
    ],
    [
      'many endpoints',
      [{ ...WEB, endpoints: many }],
      [{ ...WEB, endpoints: [] }],
      [
        `~ default/web:http  ClusterIP 10.96.0.7:80  endpoints 10 → 0  (${many
          .slice(0, 8)
          .map((text) => `- ${text}`)
          .join(', ')}, … 2 more)`,
      ],
    ],
    [
      'grouped by Service, ClusterIP first, names aligned',
      [],
      [NODE_PORT, WEB, { ...WEB, service: 'default/a', destination: '10.96.0.8:80' }],
      [
        '+ default/a         ClusterIP 10.96.0.8:80  endpoints 3',
        '+ default/web:http  ClusterIP 10.96.0.7:80  endpoints 3',
        '+ default/web:http  NodePort *:30080  endpoints 3',
      ],
    ],
  ];
  it.each(cases)('%s', (_name, before, after, lines) => {
    expect(textOf(before, after).slice(1)).toEqual(lines);
  });

  it('calls rules without a name by their destination', () => {
    const { service: _, ...nameless } = WEB;
    expect(textOf([nameless], []).at(-1)).toBe('- 10.96.0.7:80  ClusterIP 10.96.0.7:80  endpoints 3');
  });
});

it('says how much there is in all', () => {
  expect(textOf([WEB, { ...WEB, destination: 'b:1' }], [LESS, NODE_PORT])[0]).toBe(
    'IPv4  destinations: 1 added, 1 changed, 1 removed; rules: 2 added, 2 removed',
  );
});

it('shows the rules when they were asked for', () => {
  expect(textOf([], [WEB], true).at(-1)).toBe('  + 10.96.0.7:80tcp');
  expect(report([], [WEB], true).families[0]?.rules).toEqual({ added: 1, removed: 0, lines: ['+ 10.96.0.7:80tcp'] });
  expect(report([], [WEB]).families[0]?.rules).toEqual({ added: 1, removed: 0 });
});

it('differs when rules do that no destination shows', () => {
  const families = [
    {
      family: 'IPv4',
      before: NO_RULES,
      after: PersistentMap.of([['base', { ordered: true, definition: '', lines: [] } as const]]),
    },
  ];
  const made = diffReport({ backend, against: 'kernel', families, badObjects: [], warnings: [], withRules: false });
  expect(made.different).toBe(true);
  expect(diffText(made, false)).toBe('IPv4  no destination changes; rules: 1 added, 0 removed\n');
});

it('says so when nothing differs', () => {
  expect(report([WEB], [WEB])).toMatchObject({
    different: false,
    families: [{ family: 'IPv4', different: false, frontends: [] }],
  });
  expect(textOf([WEB], [WEB])).toEqual(['no differences (fake, against kernel)']);
});

it('is the JSON that is documented', () => {
  expect(report([WEB], [LESS])).toEqual({
    version: 1,
    backend: 'fake',
    against: 'kernel',
    different: true,
    families: [
      {
        family: 'IPv4',
        different: true,
        frontends: [
          {
            change: 'changed',
            service: 'default/web:http',
            kind: 'ClusterIP',
            destination: '10.96.0.7:80',
            protocol: 'tcp',
            before: { service: 'default/web:http', endpoints: WEB.endpoints, notes: [] },
            after: { service: 'default/web:http', endpoints: LESS.endpoints, notes: [] },
          },
        ],
        rules: { added: 1, removed: 1 },
      },
    ],
    badObjects: [],
    warnings: [],
  });
});

it('colours lines by what happens, and only when asked to', () => {
  const changed = report([WEB], [LESS]);
  expect(diffText(changed, true)).toContain('\u001B[33m~ default/web:http');
  expect(diffText(changed, false)).not.toContain('\u001B');
});
