import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DEFAULT_FORWARD_CONFIG } from '../../../../src/dns/forward/config.ts';
import { Routes } from '../../../../src/dns/forward/routes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { key } from './messages.ts';

test('the name servers of resolv.conf are followed; those that stay keep what is known of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 169.254.20.10\n');
  const clock = new FakeClock();
  const { log, messages } = recordingLog();
  const config = { ...DEFAULT_FORWARD_CONFIG, resolvConf, stubDomains: { 'corp.example': ['10.0.0.9'] } };
  const routes = new Routes({ config, ownAddresses: ['169.254.20.10:53'], clock, log });
  onTestFinished(() => routes.close());
  const names = (name: string): readonly string[] =>
    (routes.groupFor(key(name))?.upstreams ?? []).map((each) => each.name);

  expect(names('example.org')).toEqual(['10.0.0.1:53', '10.0.0.2:53']);
  expect(messages('warn')).toEqual(['not forwarding to ourselves']);
  const [, stays] = routes.groupFor(key('example.org'))?.upstreams ?? [];

  writeFileSync(resolvConf, 'nameserver 10.0.0.2\nnameserver 10.0.0.3\n');
  await clock.advance(5000);
  expect(names('example.org')).toEqual(['10.0.0.2:53', '10.0.0.3:53']);
  expect(routes.groupFor(key('example.org'))?.upstreams[0]).toBe(stays);
  expect(names('www.corp.example')).toEqual(['10.0.0.9:53']);
  expect(routes.counters().upstreams.map(({ to }) => to)).toEqual(['10.0.0.9:53', '10.0.0.2:53', '10.0.0.3:53']);

  rmSync(resolvConf);
  await clock.advance(5000);
  expect(names('example.org')).toEqual(['10.0.0.2:53', '10.0.0.3:53']);
});

test('without upstreams and without a resolv.conf only stub domains have name servers', () => {
  const { log } = recordingLog();
  const config = { ...DEFAULT_FORWARD_CONFIG, resolvConf: undefined, stubDomains: { 'corp.example': ['10.0.0.9'] } };
  const routes = new Routes({ config, ownAddresses: [], clock: new FakeClock(), log });
  onTestFinished(() => routes.close());
  expect(routes.groupFor(key('example.org'))).toBeUndefined();
  expect(routes.groupFor(key('corp.example'))?.upstreams.map(({ name }) => name)).toEqual(['10.0.0.9:53']);
});
