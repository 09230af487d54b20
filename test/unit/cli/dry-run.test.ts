import { describe, expect, it } from 'vitest';
import { BACKENDS } from '../../../src/backend/registry.ts';
import { diffCommand } from '../../../src/cli/diff.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { renderCommand } from '../../../src/cli/render.ts';
import { serviceObject, sliceObject } from '../../support/objects.ts';

const EXAMPLES = new URL('../../../deploy/examples', import.meta.url).pathname;

async function sluice(args: readonly string[], stdin = '') {
  let out = '';
  let err = '';
  const input = (async function* text() {
    yield stdin;
  })();
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    stdin: input,
    env: {},
    colour: false,
    errColour: false,
    errLive: false,
  };
  const exitCode = await runProgram(args, { commands: [diffCommand, renderCommand] }, io);
  return { exitCode, out, err };
}

const pods = (...addresses: readonly string[]) => addresses.map((address) => ({ addresses: [address] }));
const cluster = (...addresses: readonly string[]) =>
  JSON.stringify({ kind: 'List', items: [serviceObject(), sliceObject({ endpoints: pods(...addresses) })] });
const DETECT = ['--cluster-cidr', '10.244.0.0/16', '--node-ip', '192.168.1.1', '--family', 'IPv4'];

describe.each(BACKENDS.map(({ name }) => name))('with the %s backend', (name) => {
  const common = ['--backend', name, ...DETECT];

  it('diff shows what changes, from nothing', async () => {
    const { exitCode, out, err } = await sluice(
      ['diff', '--manifests', '-', '--against', 'empty', ...common],
      cluster('10.244.1.7'),
    );
    expect(out).toContain('+ default/web:http  ClusterIP 10.96.0.7:80  endpoints 1\n');
    expect([exitCode, err]).toEqual([1, '']);
  });

  it('diff shows nothing where nothing changes', async () => {
    const { exitCode, out } = await sluice([
      'diff',
      '--manifests',
      EXAMPLES,
      '--against-manifests',
      EXAMPLES,
      ...common,
    ]);
    expect([exitCode, out]).toEqual([0, `no differences (${name}, against manifests)\n`]);
  });

  it('diff shows the rules of Services that appear', async () => {
    const old = ['--against-manifests', `${EXAMPLES}/00-node.yaml`, `${EXAMPLES}/10-cluster-ip.yaml`];
    const { exitCode, out } = await sluice([
      'diff',
      '--manifests',
      EXAMPLES,
      ...old,
      '-o',
      'json',
      '--rules',
      ...common,
    ]);
    const report = JSON.parse(out) as {
      different: boolean;
      families: { frontends: { change: string }[]; rules: { lines: string[] } }[];
    };
    expect([exitCode, report.different, report.families.length]).toEqual([1, true, 1]);
    expect(new Set(report.families[0]?.frontends.map(({ change }) => change))).toEqual(new Set(['added']));
    expect(report.families[0]?.rules.lines.length).toBeGreaterThan(10);
  });

  it('render prints the same bytes every time', async () => {
    const [first, second] = [
      await sluice(['render', '--manifests', EXAMPLES, ...common]),
      await sluice(['render', '--manifests', EXAMPLES, ...common]),
    ];
    expect(first.out).toBe(second.out);
    expect(first.out).toMatch(/^# IPv4\n/);
    expect(first.out).toContain('10.96.0.10');
  });
});

describe('bad objects', () => {
  const text = JSON.stringify({
    kind: 'List',
    items: [serviceObject(), serviceObject({ metadata: { name: 'bad' }, spec: { ports: [{ port: 70_000 }] } })],
  });
  const line =
    'warning: stdin:items[1]: Service default/bad: spec.ports[0].port: 70000 is not a port number (1 to 65535) (skipped)\n';

  it.each(['diff', 'render'])('%s lists them and goes on with the others', async (command) => {
    const extra = command === 'diff' ? ['--against', 'empty'] : [];
    const { exitCode, out, err } = await sluice([command, '--manifests', '-', ...DETECT, ...extra], text);
    expect(err).toBe(line);
    expect(out).toContain('10.96.0.7');
    expect(exitCode).toBe(command === 'diff' ? 1 : 0);
  });

  it.each(['diff', 'render'])('%s stops for them with --strict', async (command) => {
    const extra = command === 'diff' ? ['--against', 'empty'] : [];
    const run = sluice([command, '--manifests', '-', '--strict', ...DETECT, ...extra], text);
    await expect(run).rejects.toMatchObject({
      code: 'bad-object',
      message: 'one object is wrong, and --strict is set',
    });
  });
});

describe('things that are probably not meant', () => {
  const older = { metadata: { creationTimestamp: '2020-01-01T00:00:00Z' } };
  const newer = { metadata: { name: 'other', creationTimestamp: '2021-01-01T00:00:00Z' } };
  const cases: readonly [string, readonly unknown[], string][] = [
    [
      'a slice without its Service',
      [sliceObject()],
      'EndpointSlice default/web-abc: its Service is not in the manifests (ignored)',
    ],
    [
      'two Services with one address',
      [serviceObject(newer), serviceObject(older)],
      '10.96.0.7:80/tcp is wanted by default/web:http/tcp and default/other:http/tcp; the older, default/web:http/tcp, has it',
    ],
    [
      'an object twice',
      [serviceObject(), serviceObject()],
      'stdin:items[0]: Service default/web: is defined again at stdin:items[1], which counts (skipped)',
    ],
    [
      'a Node that is not there',
      [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'a' } }],
      'the manifests have no Node b, so its addresses and zone are unknown',
    ],
  ];
  it.each(cases)('%s', async (_name, items, message) => {
    const { err } = await sluice(
      ['render', '--manifests', '-', '--hostname-override', 'b', ...DETECT],
      JSON.stringify({ kind: 'List', items }),
    );
    expect(err).toBe(`warning: ${message}\n`);
  });
});

it('refuses proxy modes that it does not have', async () => {
  await expect(sluice(['diff', '--manifests', '-', '--proxy-mode', 'userspace'])).rejects.toMatchObject({
    code: 'bad-config',
  });
});
