import { describe, expect, it } from 'vitest';
import { forwardConfigFrom, zoneSettingsFrom } from '../../../src/app/dns-settings.ts';
import { configText } from '../../../src/config/write.ts';
import { DEFAULT_FORWARD_CONFIG } from '../../../src/dns/forward/config.ts';
import { fileWith, HEAD, load } from '../../support/config-files.ts';

const UPSTREAM = { upstream: ['192.0.2.53'] };

async function forwardWith(flags: Record<string, string | readonly string[] | boolean>) {
  const { config } = await load(undefined, { command: 'dns', flags: { manifests: ['-'], ...flags } });
  return forwardConfigFrom(config);
}

describe('how other names are looked up', () => {
  it('is as kubeadm has it when nobody says otherwise', async () => {
    expect(await forwardWith(UPSTREAM)).toEqual({
      ...DEFAULT_FORWARD_CONFIG,
      upstreams: ['192.0.2.53:53'],
      resolvConf: undefined,
    });
  });

  it('is not at all without anybody to ask', async () => {
    expect(await forwardWith({})).toBeUndefined();
  });

  it('joins the servers of a stub domain, however they are written', async () => {
    const flags = { 'dns-stub-domain': ['a.example=10.0.0.1', 'b.example=10.0.0.2', 'A.example=10.0.0.3:5353'] };
    expect(await forwardWith(flags)).toMatchObject({
      upstreams: [],
      stubDomains: { 'a.example': ['10.0.0.1:53', '10.0.0.3:5353'], 'b.example': ['10.0.0.2:53'] },
    });
  });

  it('takes every option', async () => {
    const flags = {
      ...UPSTREAM,
      'dns-policy': 'sequential',
      'dns-upstream-transport': 'tcp',
      'dns-mix-case': true,
      'dns-max-fails': '0',
      'dns-max-concurrent': '7',
      'dns-attempt-timeout': '500ms',
      'dns-timeout': '3s',
      'dns-cache-mib': '3',
      'dns-cache-ttl': '60',
      'dns-cache-denial-ttl': '5',
      'dns-cache-min-ttl': '1',
      'dns-cache-failure-ttl': '2',
      'dns-prefetch': '10',
      'dns-serve-stale': '1h',
    };
    expect(await forwardWith(flags)).toMatchObject({
      policy: 'sequential',
      transport: 'tcp',
      mixCase: true,
      maxFails: 0,
      maxConcurrent: 7,
      attemptTimeoutMs: 500,
      totalTimeoutMs: 3000,
      cache: {
        successBytes: 2 * 1024 * 1024,
        denialBytes: 1024 * 1024,
        maxTtlS: 60,
        maxDenialTtlS: 5,
        minTtlS: 1,
        failureTtlS: 2,
        prefetchHits: 10,
        staleS: 3600,
      },
    });
  });

  it('can be said in a file, and written back to one', async () => {
    const own =
      'apiVersion: sluice.dev/v1alpha1\nkind: SluiceConfiguration\ndnsStubDomain: ["corp.example=10.0.0.53,fd00::53"]\ndnsServeStale: 1h\ndnsCacheTtl: 60\n';
    const { config } = await load(fileWith(`${HEAD}---\n${own}`));
    expect(config).toMatchObject({
      dnsStubDomains: ['corp.example=10.0.0.53:53', 'corp.example=[fd00::53]:53'],
      dnsServeStaleMs: 3_600_000,
      dnsCacheTtlS: 60,
    });
    const again = await load(fileWith(configText(config)));
    const { dnsStubDomains, dnsServeStaleMs, dnsCacheTtlS } = config;
    expect(again.config).toMatchObject({ dnsStubDomains, dnsServeStaleMs, dnsCacheTtlS });
  });
});

it.each<[Record<string, string>, number, number]>([
  [{}, 30, 30],
  [{ 'dns-ttl': '12' }, 12, 12],
  [{ 'dns-headless-ttl': '5' }, 30, 5],
])('TTLs with %j', async (flags, ttlS, headlessTtlS) => {
  const { config } = await load(undefined, { command: 'dns', flags: { manifests: ['-'], ...flags } });
  expect(zoneSettingsFrom(config)).toMatchObject({ ttlS, headlessTtlS });
});
