import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../src/backend/assembly.ts';
import { BACKENDS } from '../../src/backend/registry.ts';
import { diffRuleSets, NO_RULES } from '../../src/backend/rules.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { playScenario, SCENARIO_NAMES, SCENARIOS_FOLDER } from '../support/scenario.ts';
import { disagreement, judge } from '../support/scenario-plan.ts';
import { describeRow, parsePackets } from '../support/scenario-rows.ts';
import { BACKEND_SETTINGS } from '../support/scenario-settings.ts';

describe.each(SCENARIO_NAMES)('%s', (name) => {
  describe.each(BACKENDS)('$name', (backend) => {
    const { moments, problems, settings } = playScenario(name, backend.name);

    test('the plan does with packets what packets.txt says', () => {
      const failures = moments.flatMap(({ plans, checks }) =>
        checks.flatMap(({ row, packet }) => {
          const fault = disagreement(row, judge(plans[packet.family], packet, backend.name));
          return fault === undefined ? [] : [`${describeRow(row, packet.family)} ${fault}`];
        }),
      );
      expect(failures).toEqual([]);
    });

    test('the objects have the problems that settings.yaml lists', () => {
      expect(problems).toEqual(settings.problems);
    });

    test.each(IP_FAMILIES)('%s rules', async (family) => {
      const [moment] = moments;
      if (moment === undefined) throw new Error('a scenario has a first moment');
      const plan = moment.plans[family];
      const { rules } = assemble(backend.spelling(BACKEND_SETTINGS), plan);
      const text = backend.text(plan, diffRuleSets(NO_RULES, rules), BACKEND_SETTINGS);
      const golden = `${backend.name}.${family.toLowerCase()}.txt`;
      await expect(text).toMatchFileSnapshot(join(SCENARIOS_FOLDER, name, golden));
    });
  });
});

describe('packets.txt', () => {
  test('a line with lists makes a row of each combination', () => {
    const [stage] = parsePackets('pod-a,node  tcp,udp  [2001:db8::1]:80,web.cluster-ip:81  →  pod-b|pod-c  no', 'file');
    expect(stage?.rows.map(({ from, protocol, to, port }) => `${from} ${protocol} ${to} ${port}`)).toEqual([
      'pod-a tcp 2001:db8::1 80',
      'pod-a udp 2001:db8::1 80',
      'pod-a tcp web.cluster-ip 81',
      'pod-a udp web.cluster-ip 81',
      'node tcp 2001:db8::1 80',
      'node udp 2001:db8::1 80',
      'node tcp web.cluster-ip 81',
      'node udp web.cluster-ip 81',
    ]);
  });

  test('steps divide the rows', () => {
    const text = 'then wait 2 s\nnode  tcp  node:1  →  refused  -  [nft IPv6] # why\nthen apply more.yaml\n';
    expect(parsePackets(text, 'file')).toMatchObject([
      { step: undefined, rows: [] },
      { step: { waitS: 2 }, rows: [{ backends: ['nft'], families: ['IPv6'], result: { kind: 'refused' } }] },
      { step: { apply: 'more.yaml' }, rows: [] },
    ]);
  });

  test.each([
    ['pod-a  tcp  node:1  →  refused', 'not the columns'],
    ['pod-a  tcp  node:1  refused  -', 'not the columns'],
    ['pod-a  tcp  node:1  →  pod-b  perhaps', 'not the columns'],
    ['pod-a  tcp  node:1  →  refused  yes', 'nobody is there'],
    ['pod-a  icmp  node:1  →  pass  -', 'unknown protocol'],
    ['pod-a  tcp  node  →  pass  -', 'ADDRESS:PORT'],
    ['pod-a  tcp  node:1  →  pass  -  [windows]', 'unknown condition'],
    ['then sleep', 'not the columns'],
  ])('%s is refused', (line, message) => {
    expect(() => parsePackets(`# story\n\n${line}\n`, 'packets.txt')).toThrow(`packets.txt:3: `);
    expect(() => parsePackets(line, 'packets.txt')).toThrow(message);
  });
});
