import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { judgeImport } from '../../../.ci/lint/folders.ts';

const root = join(import.meta.dirname, '../../..');

/** Judges an import written as `./file.ts`, or `type ./file.ts` for one that imports types only. */
function judge(file: string, statement: string): string | undefined {
  return judgeImport({ file, specifier: statement.replace(/^type /, ''), typeOnly: statement.startsWith('type ') });
}

describe('judgeImport', () => {
  test.for([
    ['model/service.ts', './address.ts', 'the own folder'],
    ['model/service.ts', '../base/errors.ts', 'a folder of the table'],
    ['backend/nft/render.ts', 'type ../../compiler/plan.ts', 'types of the compiler'],
    ['backend/nft/render.ts', '../rules.ts', 'the backend contract'],
    ['backend/nft/driver.ts', '../../kernel/command.ts', 'the kernel, from a driver'],
    ['backend/iptables/names.ts', 'node:crypto', 'a hash, from a pure folder'],
    ['backend/ipvs/base.ts', '../xtables/text.ts', 'what backends have in common'],
    ['backend/ipvs/machine.ts', 'type ../../kernel/command.ts', 'types of the kernel'],
    ['backend/registry.ts', './nft/backend.ts', 'a backend, from the registry'],
    ['applier/applier.ts', '../kernel/conntrack.ts', 'one file of a folder'],
    ['kernel/process.ts', 'node:child_process', 'processes, from the kernel folder'],
    ['kernel/command.ts', 'execa', 'a package, from its file'],
    ['app.ts', './source/kube-plugins.ts', 'nearly everything, from the app'],
    ['cli/program.ts', '../../package.json', 'the version number'],
  ] as const)('%s may import %s (%s)', ([file, statement]) => {
    expect(judge(file, statement)).toBeUndefined();
  });

  test.for([
    ['model/store.ts', '../compiler/plan.ts', /model may not import compiler/],
    ['model/store.ts', 'type ../compiler/plan.ts', /model may not import compiler/],
    ['model/store.ts', 'node:fs', /model is pure/],
    ['compiler/compile.ts', 'node:crypto', /compiler is pure/],
    ['backend/nft/render.ts', '../../compiler/plan.ts', /only types from compiler/],
    ['backend/nft/render.ts', '../../kernel/command.ts', /only types from kernel/],
    ['backend/nft/render.ts', '../iptables/names.ts', /backends never import one another/],
    ['backend/nft/driver.ts', '../ipvs/driver.ts', /backends never import one another/],
    ['backend/nft/driver.ts', 'node:child_process', /only kernel\/ starts processes/],
    ['applier/applier.ts', '../kernel/command.ts', /applier may not import kernel/],
    ['applier/applier.ts', '../backend/registry.ts', /applier may not import backend\/registry/],
    ['app.ts', './cli/main.ts', /app may not import cli/],
    ['base/clock.ts', '../../test/support/clock.ts', /not part of the program/],
    ['kernel/process.ts', 'execa', /only src\/kernel\/command.ts may import execa/],
    ['source/watch.ts', '@kubernetes/client-node/dist/watch.js', /only src\/source\/kube-plugins.ts/],
    ['base/log.ts', 'lodash/map', /lodash is not one of/],
    ['base/log.ts', 'fs', /without node:/],
    ['base/log.ts', './clock', /with its extension/],
    ['base/log.ts', './clock.js', /with its extension/],
    ['helpers/strings.ts', './other.ts', /in no folder that DESIGN.md knows/],
  ] as const)('%s may not import %s', ([file, statement, reason]) => {
    expect(judge(file, statement)).toMatch(reason);
  });
});

describe('oxlint with the configuration of this project', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  function lint(files: Readonly<Record<string, string>>): { readonly status: number | null; readonly output: string } {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-lint-'));
    folders.push(folder);
    for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
      cpSync(join(root, name), join(folder, name));
    cpSync(join(root, '.ci/lint'), join(folder, '.ci/lint'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { status, stdout } = spawnSync('node_modules/.bin/oxlint', ['src'], { cwd: folder, encoding: 'utf8' });
    return { status, output: stdout };
  }

  test('reports each kind of forbidden import where it stands', () => {
    const { status, output } = lint({
      'src/base/one.ts': "import { two } from '../model/two.ts';\n\nexport const one = (): number => two() + 1;\n",
      'src/model/two.ts': "export { one } from '../kernel/one.ts';\nexport const two = () => import('node:fs');\n",
      'src/model/three.ts': "export type Three = import('../kernel/one.ts').One;\n",
    });
    expect(status).toBe(1);
    expect(output).toContain('base may not import model');
    expect(output).toContain('model may not import kernel');
    expect(output).toContain('model is pure: it may not import node:fs');
    expect(output).toMatch(/model may not import kernel.*\n.*src\/model\/three\.ts/);
  });

  test('reports import cycles, floating promises and a clock in a pure folder', () => {
    const { status, output } = lint({
      'src/model/one.ts': "import { two } from './two.ts';\n\nexport const one = (): number => two();\n",
      'src/model/two.ts': "import { one } from './one.ts';\n\nexport const two = (): number => one() + Date.now();\n",
      'src/base/wait.ts': 'async function wait(): Promise<void> {}\n\nexport function start(): void {\n  wait();\n}\n',
    });
    expect(status).toBe(1);
    expect(output).toContain('import(no-cycle)');
    expect(output).toContain('typescript(no-floating-promises)');
    expect(output).toContain('no clock here');
  });

  test('is content with code that keeps the rules', () => {
    const { status, output } = lint({
      'src/base/one.ts': 'export const one = 1;\n',
      'src/model/two.ts': "import { one } from '../base/one.ts';\n\nexport const two = one + 1;\n",
    });
    expect(output).toContain('Found 0 warnings and 0 errors');
    expect(status).toBe(0);
  });
});
