import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const setupScript = join(import.meta.dirname, '../../../.ci/setup.mjs');

/** Stands in for npm: notes that it was called, and makes what an installation makes. */
const FAKE_NPM = `#!/bin/bash
echo "$@" >> npm-calls
[[ -e npm-breaks ]] && { echo 'npm error network' >&2; exit 7; }
/bin/mkdir -p node_modules/.bin
/bin/cp package-lock.json node_modules/.package-lock.json
[[ -e no-node ]] || { printf '#!/bin/bash\\necho v24.1.0\\n' > node_modules/.bin/node; /bin/chmod +x node_modules/.bin/node; }
`;

let folder: string;

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o755 });
}

function writeProject(wanted: string, locked: string, installed: string): void {
  write('package.json', JSON.stringify({ dependencies: { left: wanted } }));
  write(
    'package-lock.json',
    JSON.stringify({
      packages: {
        '': { dependencies: { left: locked } },
        'node_modules/left': { version: installed },
        'node_modules/left-for-another-platform': { version: '1.0.0', optional: true },
      },
    }),
  );
}

function setUp(): { readonly status: number | null; readonly said: string; readonly npmCalls: number } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/setup.mjs', '--no-tools'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: join(folder, 'bin') },
  });
  expect(stdout).toBe('');
  return { status, said: stderr, npmCalls: readOr('npm-calls', '').split('\n').length - 1 };
}

function readOr(name: string, otherwise: string): string {
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    return otherwise;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-setup-'));
  for (const name of ['bin', '.ci']) mkdirSync(join(folder, name));
  cpSync(setupScript, join(folder, '.ci/setup.mjs'));
  write('bin/npm', FAKE_NPM);
  writeProject('^1.0.0', '^1.0.0', '1.0.0');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('installs what is missing once, then says and does nothing', () => {
  expect(setUp()).toEqual({
    status: 0,
    said: 'setup: installing the npm packages (once, less than a minute)\n',
    npmCalls: 1,
  });
  expect(setUp()).toEqual({ status: 0, said: '', npmCalls: 1 });
});

test('installs again when the lock file asks for something else', () => {
  setUp();
  writeProject('^1.0.0', '^1.0.0', '1.0.1');
  expect(setUp()).toMatchObject({ status: 0, npmCalls: 2 });
});

test('leaves alone what a developer installed by hand', () => {
  setUp();
  writeProject('^2.0.0', '^2.0.0', '2.0.0');
  cpSync(join(folder, 'package-lock.json'), join(folder, 'node_modules/.package-lock.json'));
  expect(setUp()).toEqual({ status: 0, said: '', npmCalls: 1 });
});

test('refuses a lock file that does not fit package.json', () => {
  writeProject('^2.0.0', '^1.0.0', '1.0.0');
  const { status, said, npmCalls } = setUp();
  expect({ status, npmCalls }).toEqual({ status: 1, npmCalls: 0 });
  expect(said).toMatch(/disagree about "dependencies"\n {2}what to do: run `npm install`/);
});

test('says what to do when npm fails, and tries again the next time', () => {
  write('npm-breaks', '');
  const { status, said } = setUp();
  expect(status).toBe(1);
  expect(said).toMatch(/npm error network\n.*`npm install .*` failed in .*: exit code 7\n {2}what to do: .*npm ping/);
  rmSync(join(folder, 'npm-breaks'));
  expect(setUp()).toMatchObject({ status: 0, npmCalls: 2 });
});

test('says what to do when there is no npm', () => {
  rmSync(join(folder, 'bin/npm'));
  expect(setUp()).toMatchObject({ status: 1, said: expect.stringMatching(/failed in .*ENOENT\n {2}what to do: /) });
});

test('uses the Node that runs it when the package "node" brought none', () => {
  write('no-node', '');
  expect(setUp()).toMatchObject({ status: 0 });
  const { stdout } = spawnSync(join(folder, 'node_modules/.bin/node'), ['--version'], { encoding: 'utf8' });
  expect(stdout).toBe(`${process.version}\n`);
});

test('refuses a Node that is too old', () => {
  setUp();
  write('package.json', JSON.stringify({ dependencies: { left: '^1.0.0' }, description: 'changed' }));
  write('node_modules/.bin/node', '#!/bin/bash\necho v22.3.0\n');
  const { status, said } = setUp();
  expect(status).toBe(1);
  expect(said).toMatch(/missing or not Node 24: .*\n {2}what to do: .*npm rebuild node/);
});
