import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NftSession } from '../../../src/kernel/nft-session.ts';

/** Answers as `nft -i` does, and does what the word in a line says. Notes its process id with every line. */
const FAKE_NFT = `#!/bin/sh
[ "$*" = -i ] || exit 9
while IFS= read -r line; do
  printf '%s %.60s\\n' $$ "$line" >> "$NFT_LOG"
  case "$line" in
    'describe meta mark') echo 'meta expression, datatype mark (packet mark) (basetype integer), 32 bits' ;;
    *wrong*) printf 'Error: syntax error, unexpected junk\\nwrong\\n^^^^^\\n' >&2 ;;
    *warn*) echo 'a word on standard output' ;;
    *slow*) sleep 0.2 ;;
    *hang*) exec sleep 60 ;;
    *die*) echo 'Error: out of luck' >&2; exit 3 ;;
  esac
done
`;

let folder = '';
let path: string | undefined;
const sessions: NftSession[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-nft-'));
  writeFileSync(join(folder, 'nft'), FAKE_NFT);
  chmodSync(join(folder, 'nft'), 0o755);
  writeFileSync(join(folder, 'log'), '');
  path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  process.env['NFT_LOG'] = join(folder, 'log');
});

afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close();
  process.env['PATH'] = path;
  delete process.env['NFT_LOG'];
  rmSync(folder, { recursive: true });
});

function open(timeoutMs?: number): NftSession {
  const session = new NftSession(timeoutMs === undefined ? {} : { timeoutMs });
  sessions.push(session);
  return session;
}

/** What each child was told: process ids in the order of their appearance, as `a`, `b`, …. */
function told(): readonly string[] {
  const pids = new Map<string, string>();
  return readFileSync(join(folder, 'log'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith('describe meta mark'))
    .map((line) => {
      const [pid = '', ...words] = line.split(' ');
      pids.set(pid, pids.get(pid) ?? String.fromCharCode('a'.charCodeAt(0) + pids.size));
      return `${pids.get(pid)} ${words.join(' ')}`;
    });
}

function lastPid(): number {
  return Number(readFileSync(join(folder, 'log'), 'utf8').trim().split('\n').at(-1)?.split(' ')[0]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a line', () => {
  test('that is fine gives nothing', async () => {
    const session = open();
    expect([await session.run('add table ip x'), await session.run('add table ip y')]).toEqual(['', '']);
    expect(told()).toEqual(['a add table ip x', 'a add table ip y']);
  });

  test('that is wrong gives the error, and only the line that it belongs to', async () => {
    const session = open();
    expect(await session.run('wrong')).toBe('Error: syntax error, unexpected junk\nwrong\n^^^^^');
    expect(await session.run('add table ip x')).toBe('');
    expect(told()).toEqual(['a wrong', 'a add table ip x']);
  });

  test('gives whatever nft says', async () => {
    expect(await open().run('warn')).toBe('a word on standard output');
  });

  test('is waited for', async () => {
    const session = open();
    expect(await session.run('slow wrong')).toMatch(/^Error/);
    expect(await session.run('slow')).toBe('');
    expect(told()).toEqual(['a slow wrong', 'a slow']);
  });
});

describe('the child', () => {
  test('is not started before it is needed', async () => {
    const session = open();
    await session.close();
    expect(told()).toEqual([]);
  });

  test('that dies is an error with its last words, and is replaced', async () => {
    const session = open();
    await session.run('add table ip x');
    await expect(session.run('die')).rejects.toMatchObject({
      code: 'command-failed',
      message: 'the interactive nft ended unexpectedly: Error: out of luck',
    });
    expect(await session.run('add table ip y')).toBe('');
    expect(told()).toEqual(['a add table ip x', 'a die', 'b add table ip y']);
  });

  test('that is killed between two lines costs one error at most', async () => {
    const session = open();
    await session.run('add table ip x');
    process.kill(lastPid(), 'SIGKILL');
    await session
      .run('add table ip y')
      .catch((thrown: unknown) => expect(thrown).toMatchObject({ code: 'command-failed' }));
    expect(await session.run('add table ip z')).toBe('');
    expect(told().at(-1)).toBe('b add table ip z');
  });

  test('that hangs is ended and replaced', async () => {
    const session = open(200);
    await session.run('add table ip x');
    const pid = lastPid();
    await expect(session.run('hang')).rejects.toMatchObject({
      code: 'command-timeout',
      message: 'nft did not answer within 0.2 s and was ended',
    });
    expect(await session.run('add table ip y')).toBe('');
    expect(told()).toEqual(['a add table ip x', 'a hang', 'b add table ip y']);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test('is replaced once it has read a lot, by one that listens already', async () => {
    const session = open();
    await session.run(`first ${'x'.repeat(500_001)}`);
    const first = lastPid();
    await expect.poll(lastPid).not.toBe(first);
    // Its answer may take a moment longer than its note in the log.
    await expect.poll(async () => (await session.run('next'), isAlive(first))).toBe(false);
    expect(told().map((line) => line.slice(0, 7))).toEqual(expect.arrayContaining(['a first', 'b next']));
  });

  test('goes on while the one that is to replace it does not listen', async () => {
    const session = open();
    await session.run('add table ip x');
    writeFileSync(join(folder, 'nft'), '#!/bin/sh\nexec sleep 60\n');
    await session.run(`first ${'x'.repeat(500_001)}`);
    await session.run('second');
    expect(told().map((line) => line.slice(0, 8))).toEqual(['a add ta', 'a first ', 'a second']);
  });

  test('goes on when the one that was to replace it dies, until another one lives', async () => {
    const session = open();
    await session.run('add table ip x');
    const first = lastPid();
    writeFileSync(join(folder, 'nft'), '#!/bin/sh\necho died >> "$NFT_LOG"\nexit 3\n');
    await session.run(`first ${'x'.repeat(500_001)}`);
    await expect.poll(() => readFileSync(join(folder, 'log'), 'utf8')).toContain('died');
    writeFileSync(join(folder, 'nft'), FAKE_NFT);
    await expect.poll(async () => (await session.run('next'), isAlive(first))).toBe(false);
  });

  test('goes with the session, and a new one comes when the session is used again', async () => {
    const session = open();
    await session.run('add table ip x');
    const pid = lastPid();
    await session.close();
    await session.close();
    expect(isAlive(pid)).toBe(false);
    await session.run('add table ip y');
    expect(told()).toEqual(['a add table ip x', 'b add table ip y']);
  });

  test('that is not installed is an error', async () => {
    rmSync(join(folder, 'nft'));
    symlinkSync('/bin/sh', join(folder, 'sh'));
    process.env['PATH'] = folder;
    await expect(open().run('add table ip x')).rejects.toMatchObject({
      code: 'command-failed',
      message: expect.stringMatching(/^the interactive nft ended unexpectedly: .*nft.*not found/),
    });
  });
});
