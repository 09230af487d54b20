import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import { enterPrivateNamespace } from '../../src/lab/private-namespace.ts';

const PROGRAM = new URL('../../src/lab/private-namespace.ts', import.meta.url).href;

function namespaces(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns') : [];
}

/** A zombie is dead: who has to bury it, init perhaps, is not ours to test. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 100 && isAlive(pid); tries += 1) await sleep(20);
  return !isAlive(pid);
}

test('a closed lab leaves no process, no namespace and no link, so the next one can be built', async () => {
  for (let round = 0; round < 2; round += 1) {
    const lab = await Lab.create({ pods: ['web'], remotePods: [] });
    const pids = [...lab.agentPids.values()];
    expect([...lab.agentPids.keys()].toSorted()).toEqual(['node', 'outside', 'remote', 'web']);
    expect(pids.every(isAlive)).toBe(true);
    expect(namespaces().toSorted()).toEqual(['outside', 'remote', 'web']);
    const pending = lab.at('web').stress({ protocol: 'tcp', address: '10.96.0.1', port: 1, durationMs: 20_000 }).done;
    const fault = pending.catch((thrown: unknown) => thrown);
    await lab.close();
    await lab.close();
    expect(await fault).toMatchObject({ code: 'lab-failed', message: expect.stringContaining('closed') });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(namespaces()).toEqual([]);
    expect(Object.keys(networkInterfaces())).toEqual(['lo']);
  }
});

test('a lab is quickly there', async () => {
  const startedAt = performance.now();
  await using lab = await Lab.create();
  const address = lab.pod('remote-d').addresses.IPv6;
  await lab.at('remote-d').listen({ protocol: 'tcp', port: 80 });
  expect(await lab.at('outside').probe({ protocol: 'tcp', address, port: 80 })).toMatchObject({ outcome: 'reply' });
  expect(performance.now() - startedAt).toBeLessThan(5000);
});

test('two labs do not share a node', async () => {
  await using lab = await Lab.create({ pods: [], remotePods: [] });
  await expect(Lab.create()).rejects.toMatchObject({ code: 'lab-failed', message: expect.stringContaining('eth0') });
  expect(lab.pods).toEqual([]);
});

test('a lab whose agents do not start says what they said, and leaves nothing', async () => {
  const created = Lab.create({
    agentCommand: [process.execPath, '-e', 'console.error("no such agent"); process.exit(1)'],
  });
  await expect(created).rejects.toMatchObject({
    code: 'lab-failed',
    message: expect.stringContaining('no such agent'),
  });
  expect(namespaces()).toEqual([]);
  expect(Object.keys(networkInterfaces())).toEqual(['lo']);
});

test('a command that fails is named', async () => {
  const created = Lab.create({
    runner: {
      run: async (_file, args) => ({
        exitCode: args.includes('-force') ? 0 : 1,
        stdout: '',
        stderr: 'RTNETLINK answers: Operation not supported\nCommand failed -:2\n',
      }),
    },
  });
  const command = 'ip netns add remote';
  await expect(created).rejects.toMatchObject({
    code: 'lab-failed',
    message: expect.stringContaining(command),
    data: { command },
  });
});

test('outside a private namespace nothing is touched', async () => {
  const variable = process.env['SLUICE_PRIVATE_NAMESPACE'];
  delete process.env['SLUICE_PRIVATE_NAMESPACE'];
  try {
    await expect(Lab.create()).rejects.toMatchObject({
      code: 'lab-failed',
      message: expect.stringContaining('refusing'),
    });
  } finally {
    process.env['SLUICE_PRIVATE_NAMESPACE'] = variable;
  }
});

test('a private namespace has nothing in it, and passes the exit code on', async () => {
  await using _lab = await Lab.create({ pods: [], remotePods: [] });
  const inside = `
    [ "$SLUICE_PRIVATE_NAMESPACE" = 1 ] && [ ! -e /run/netns/outside ] && [ ! -e /sys/class/net/eth0 ] &&
    echo 1 > /proc/sys/net/ipv4/ip_forward && [ "$(ip -o link | wc -l)" = 1 ] && 
    ip -o link show lo up | grep -q lo && exit 42`;
  expect(await enterPrivateNamespace({ argv: ['sh', '-c', inside] })).toBe(42);
});

test.each([
  ['SIGTERM', 'terminated'],
  ['SIGINT', 'interrupted'],
] as const)('%s reaches the program inside, and its answer comes back', async (signal, word) => {
  const { outer, inner } = await startNested();
  outer.process.kill(signal);
  expect(await outer.exitCode).toBe(word === 'terminated' ? 5 : 6);
  expect(outer.output()).toContain(word);
  expect(await gone(inner)).toBe(true);
});

test('the program inside ends when the one outside is killed', async () => {
  const { outer, inner } = await startNested();
  outer.process.kill('SIGKILL');
  expect(await gone(inner)).toBe(true);
});

/** A process that entered a private namespace and prints the pid of the one inside. */
async function startNested(): Promise<{
  outer: { process: ReturnType<typeof spawn>; exitCode: Promise<number | null>; output: () => string };
  inner: number;
}> {
  const inside = `trap 'echo terminated; exit 5' TERM; trap 'echo interrupted; exit 6' INT; 
    echo pid $$; while :; do sleep 0.05; done`;
  const script = `
    import { enterPrivateNamespace } from ${JSON.stringify(PROGRAM)};
    process.exitCode = await enterPrivateNamespace({ argv: ['sh', '-c', ${JSON.stringify(inside)}] });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const inner = await new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${text}`)));
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      const pid = /pid (\d+)\n/.exec(text)?.[1];
      if (pid !== undefined) resolve(Number(pid));
    });
  });
  const exitCode = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { outer: { process: child, exitCode, output: () => text }, inner };
}
