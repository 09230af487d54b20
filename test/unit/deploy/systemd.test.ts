import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { daemonSetOf, DEPLOY } from '../../support/deployment.ts';

const unit = readFileSync(join(DEPLOY, 'systemd/sluice.service'), 'utf8');

/** Every value of a setting, in the order of the file. */
function settings(name: string): readonly string[] {
  return unit
    .split('\n')
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1));
}

test('has the rights of the DaemonSet', () => {
  const [container] = daemonSetOf('standalone').template.spec.containers;
  const added = container.securityContext.capabilities?.add.map((name) => `CAP_${name}`);
  expect(settings('CapabilityBoundingSet')).toEqual([added?.join(' ')]);
  expect(settings('NoNewPrivileges')).toEqual(['yes']);
  expect(settings('ProtectSystem')).toEqual(['strict']);
  const writable = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
  expect(settings('ReadWritePaths')).toEqual(writable.map(({ mountPath }) => mountPath));
});

test('says how it is doing through the child that says it, and is restarted when it no longer does', () => {
  expect(settings('Type')).toEqual(['notify']);
  expect(settings('NotifyAccess')).toEqual(['all']);
  expect(settings('WatchdogSec')).toEqual(['60s']);
  expect(settings('Restart')).toEqual(['always']);
});

test('what runs with all rights makes the lock file, or ends after the kernel settings', () => {
  const [start = ''] = settings('ExecStart');
  const [touch, settle, another] = settings('ExecStartPre');
  expect(touch).toBe('+/usr/bin/touch /run/xtables.lock');
  expect(settle).toBe(`+${start.replace(' run ', ' run --init-only ')}`);
  expect(another).toBeUndefined();
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) process.stderr.write('skipped: no systemd-analyze here to verify the unit with\n');

describe.skipIf(!hasSystemd)('systemd-analyze', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-unit-'));
  const file = join(folder, 'sluice.service');
  // The program is not installed here.
  writeFileSync(file, unit.replaceAll('/usr/local/bin/sluice', '/bin/true'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('knows every line of the unit', () => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' });
  });

  test('finds it little exposed', () => {
    const args = ['security', '--offline=true', '--no-pager', '--threshold=25', file];
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    expect(stdout).toMatch(/Overall exposure level for sluice\.service: \d/);
    expect(status).toBe(0);
  });
});
