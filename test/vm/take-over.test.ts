import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { PROJECT } from '../support/virtual-machine.ts';
import { runProgram } from './machine.ts';
import type { MachineState, Observations, Stage } from './take-over-main.ts';

/** Ten times what it takes alone. */
const TIMEOUT_MS = 840_000;

let seen: Observations;

beforeAll(async () => {
  seen = JSON.parse(
    await runProgram({
      programs: {
        'take-over.mjs': join(import.meta.dirname, 'take-over-main.ts'),
        'agent.mjs': join(PROJECT, 'src/lab/agent-main.ts'),
      },
      timeoutMs: TIMEOUT_MS,
      read: (folder) => readFile(join(folder, 'observations.json'), 'utf8'),
    }),
  ) as Observations;
});

function stage(index: 0 | 1 | 2): Stage {
  const found = seen.stages[index];
  if (found === undefined) throw new Error(`the machine did not get to stage ${index}`);
  return found;
}

/** What of IPVS mode there is: virtual servers, addresses, sets, rules. */
function ipvsOf({ servers, addresses, ipsets, iptables }: MachineState): readonly (readonly string[])[] {
  return [
    servers.filter((line) => line.includes(' 10.96.0.10:80 ')),
    addresses.filter((line) => line.includes(' kube-ipvs0 ')),
    ipsets.split('\n').filter((line) => line.includes(' KUBE-')),
    Object.values(iptables)
      .flat()
      .filter((line) => line.includes('KUBE-SERVICES')),
  ];
}

/** `[what was lost, connections that were open]`, as streams. */
function lostIn({ traffic }: Stage): readonly [readonly string[], readonly string[]] {
  const lines = traffic?.lost ?? [];
  const isOpen = (line: string): boolean => line.includes(': held connection: ');
  const open = lines.filter(isOpen).map((line) => line.replace(/: held connection: .*/, ''));
  return [lines.filter((line) => !isOpen(line)), open.toSorted()];
}

/** Lines of others that were there before and are there no more. */
function missing({ state }: Stage): readonly string[] {
  const linesOf = (machine: MachineState): readonly string[] => [
    ...machine.servers,
    ...machine.addresses,
    ...machine.ipsets.split('\n'),
    ...Object.values(machine.tables),
    ...Object.entries(machine.iptables).flatMap(([name, lines]) => lines.map((line) => `${name} ${line}`)),
  ];
  const now = new Set(linesOf(state));
  return linesOf(seen.before).filter((line) => !now.has(line));
}

describe.each([
  { index: 0, mode: 'nft, at first' },
  { index: 1, mode: 'ipvs, after nft' },
  { index: 2, mode: 'nft, after ipvs' },
] as const)('$mode', ({ index }) => {
  test('every endpoint answers, over TCP and UDP of both families', () => {
    const answers = Object.values(stage(index).answers);
    expect(answers).toEqual(Array.from({ length: 4 }, () => ['pod-b', 'remote-a']));
  });

  test('what others have is there as before', () => {
    expect(missing(stage(index))).toEqual([]);
  });
});

test('from nft to ipvs, nothing is lost, and connections that are open go on', () => {
  expect(stage(1).traffic?.connections).toBeGreaterThan(0);
  expect(lostIn(stage(1))).toEqual([[], []]);
});

test('from ipvs to nft, only connections end that IPVS translated', () => {
  expect(stage(2).traffic?.connections).toBeGreaterThan(0);
  const [lost, ended] = lostIn(stage(2));
  // The connection of a client that was under way when what translated it went.
  expect(lost.filter((line) => !/: 1 of \d+: timeout/.test(line))).toEqual([]);
  // Without IPVS their next packet is that of a new connection, with a new source port where it is masqueraded. A pod keeps
  // its own, and may by chance be sent to the endpoint that it had.
  expect(ended.filter((title) => !title.startsWith('pod-a '))).toEqual([
    'node tcp 10.96.0.10 80',
    'node tcp fd00:10:96::10 80',
    'outside tcp 172.18.0.2 30010',
    'outside tcp fd00:172:18::2 30010',
  ]);
});

test('in ipvs mode nothing of nft is left', () => {
  for (const part of ipvsOf(stage(1).state)) expect(part).not.toEqual([]);
  expect(Object.keys(stage(1).state.tables)).toEqual(Object.keys(seen.before.tables));
});

test('in nft mode nothing of ipvs is left', () => {
  const { servers, addresses, ipsets, iptables, tables } = stage(2).state;
  expect(ipvsOf(stage(2).state)).toEqual([[], [], [], []]);
  const { tables: others, ...before } = seen.before;
  expect({ servers, addresses, ipsets, iptables }).toEqual(before);
  expect(Object.keys(tables).toSorted()).toEqual([...Object.keys(others), 'ip sluice', 'ip6 sluice'].toSorted());
});

test('cleanup leaves what was there before', () => {
  expect(seen.afterCleanup).toEqual(seen.before);
});
