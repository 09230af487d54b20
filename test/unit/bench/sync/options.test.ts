import { describe, expect, it } from 'vitest';
import { CONTENDERS, contenderNamed } from '../../../../src/bench/sync/contenders.ts';
import { casesOf, parseContenders, parseScenarios, sizeText } from '../../../../src/bench/sync/options.ts';
import type { SyncBenchOptions } from '../../../../src/bench/sync/options.ts';
import { SCENARIO_IDS } from '../../../../src/bench/sync/scenarios.ts';

const OPTIONS: SyncBenchOptions = {
  contenders: [contenderNamed('nft'), contenderNamed('iptables-nft')],
  services: undefined,
  endpoints: undefined,
  scenarios: ['cold'],
  runs: 5,
  budgetMs: 1000,
  seed: 3,
  caseTimeoutMs: 60_000,
};

describe('names', () => {
  it('are all when none is given', () => {
    expect(parseContenders(undefined)).toBe(CONTENDERS);
    expect(parseScenarios(undefined)).toEqual(SCENARIO_IDS);
  });

  it('keep the order of the measurement, not that of the command line', () => {
    expect(parseScenarios('burst, cold')).toEqual(['cold', 'burst']);
    expect(parseContenders('ipvs,nft').map(({ name }) => name)).toEqual(['ipvs', 'nft']);
  });

  it('are refused with those that there are', () => {
    expect(() => parseScenarios('cold,warm')).toThrow(/^--scenarios: "warm" is not one of cold, restart, /);
    expect(() => parseContenders('nftables')).toThrow(/^--backend: "nftables" is not one of nft, iptables-nft, /);
  });
});

describe('cases', () => {
  it('are every backend at every size that is named, however long it takes', () => {
    const { cases, skipped } = casesOf({ ...OPTIONS, services: [1000, 500_000], endpoints: [4] });
    expect(cases.map(({ contender, services, endpoints }) => [contender, services, endpoints])).toEqual([
      ['nft', 1000, 4],
      ['nft', 500_000, 4],
      ['iptables-nft', 1000, 4],
      ['iptables-nft', 500_000, 4],
    ]);
    expect(skipped).toEqual([]);
  });

  it('leave out what nobody named and takes an hour, and say so', () => {
    const { cases, skipped } = casesOf(OPTIONS);
    expect(Math.max(...cases.filter(({ contender }) => contender === 'nft').map(({ services }) => services))).toBe(
      100_000,
    );
    expect(cases.every(({ services, endpoints }) => services * endpoints <= 1_000_000)).toBe(true);
    expect(cases.length + skipped.length).toBe(2 * 6 * 4);
    expect(skipped.map(({ what }) => what)).toContain('iptables-nft, 100,000 Services × 1 endpoint');
  });
});

it('spells sizes', () => {
  expect([sizeText(1000, 1), sizeText(50_000, 4)]).toEqual([
    '1,000 Services × 1 endpoint',
    '50,000 Services × 4 endpoints',
  ]);
});
