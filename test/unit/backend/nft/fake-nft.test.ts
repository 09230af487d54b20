import { describe, expect, test } from 'vitest';
import { FakeNft } from '../../../support/fake-nft.ts';
import { FAULTS, FINE, SAMPLE_TABLE } from '../../../support/nft-faults.ts';

function sample(): FakeNft {
  const nft = new FakeNft();
  expect(nft.run(SAMPLE_TABLE)).toBe('');
  return nft;
}

describe('the fake kernel', () => {
  test.each(FAULTS)('refuses: %s', (_what, batch) => {
    const nft = sample();
    const before = nft.listTables() + nft.listTable('ip sluice');
    expect(nft.run(`add chain ip sluice extra; ${batch}`)).toMatch(/^Error: .+\n$/);
    expect(nft.listTables() + nft.listTable('ip sluice')).toBe(before);
  });

  test.each(FINE)('takes: %s', (_what, batch) => {
    expect(sample().run(batch)).toBe('');
  });

  test('lists what it holds as nft does', () => {
    expect(sample().listTable('ip sluice')).toBe(LISTING);
  });
});

const LISTING = `table ip sluice {
	map verdicts {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.0.0.1 . tcp . 80 comment "a web" : goto used }
	}

	set looked-up {
		type ipv4_addr
	}

	set idle-set {
		type ipv4_addr
	}

	set ranges {
		type inet_service . ipv4_addr
		flags interval
		elements = { 80 . 10.0.0.0/8 }
	}

	map tcp-endpoints {
		typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport
		elements = { 10.0.0.1 . 80 . 0 : 10.1.0.1 . 8080 }
	}

	chain hooked {
		type nat hook output priority -100; policy accept;
		ip daddr @looked-up jump used
	}

	chain used {
	}

	chain idle {
	}
}
`;
