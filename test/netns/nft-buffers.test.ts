import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { assemble } from '../../src/backend/assembly.ts';
import { NftDriver } from '../../src/backend/nft/driver.ts';
import { nftSpelling } from '../../src/backend/nft/render.ts';
import type { RuleSet } from '../../src/backend/rules.ts';
import { diffRuleSets, NO_CHANGES, NO_RULES } from '../../src/backend/rules.ts';
import { compile } from '../../src/compiler/compile.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Store } from '../../src/model/store.ts';
import { createSynthetic } from '../../src/source/synthetic.ts';
import { NODE, SETTINGS } from '../support/cluster.ts';
import { emptyMachine } from '../support/program-machine.ts';

/** What the kernel grants a socket that may not force it to grant more, which none in a user namespace may. */
const BUFFER_BYTES = 2 * Number(readFileSync('/proc/sys/net/core/wmem_max', 'utf8'));

/** An element of a pool takes no less than this in nft's message to the kernel. */
const LEAST_ELEMENT_BYTES = 160;

const PER_SERVICE = 100;

/** A machine that grants more would have to be given more rules than a test should write. */
const MOST_BYTES = 1 << 24;

afterEach(() => emptyMachine());

/** Of so many Services with {@link PER_SERVICE} endpoints each. */
function rulesOf(services: number): RuleSet {
  const store = new Store();
  for (const event of createSynthetic({ services, endpointsPerService: PER_SERVICE, seed: 1 }).events())
    store.apply(event);
  const { plan } = compile({ snapshot: store.snapshot(), node: NODE, settings: SETTINGS, family: 'IPv4' });
  return assemble(nftSpelling, plan).rules;
}

/** What nft complained of. */
class Complaints {
  readonly texts: string[] = [];

  readonly runner: typeof systemRunner = {
    run: async (...call) => {
      const result = await systemRunner.run(...call);
      if (result.exitCode !== 0) this.texts.push(result.stderr);
      return result;
    },
  };
}

test.skipIf(BUFFER_BYTES > MOST_BYTES)(
  'a batch that is more than the kernel takes at once is written in parts',
  async () => {
    const services = Math.ceil(BUFFER_BYTES / LEAST_ELEMENT_BYTES / PER_SERVICE);
    const { texts, runner } = new Complaints();
    const driver = new NftDriver({
      family: 'IPv4',
      runner,
      settings: { masqueradeBit: 14, conntrackBeLiberal: false },
    });
    let known = NO_RULES;
    // The first goes in at once, so that nothing is wrong with the machine.
    for (const [count, complaints] of [
      [2, []],
      [services, [expect.stringMatching(/Message too long|No buffer space available/)]],
    ] as const) {
      const wanted = rulesOf(count);
      texts.length = 0;
      await driver.apply(diffRuleSets(known, wanted), wanted);
      expect(texts).toEqual(complaints);
      known = await driver.read();
      expect(diffRuleSets(known, wanted)).toEqual(NO_CHANGES);
    }
    await driver.close();
  },
);
