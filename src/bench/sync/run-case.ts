import { toSluiceError } from '../../base/errors.ts';
import { releaseMemory } from '../../base/memory.ts';
import { systemRunner } from '../../kernel/command.ts';
import { seededRandom } from '../random.ts';
import type { CaseResult, CaseSpec, Footprint, Outcome, ScenarioStrain } from './case.ts';
import { ChildWatch } from './child-watch.ts';
import { contenderNamed } from './contenders.ts';
import type { Floors } from './floor.ts';
import { measureFloors } from './floor.ts';
import { ScenarioRecorder } from './recorder.ts';
import type { ScenarioId } from './scenarios.ts';
import { SCENARIOS } from './scenarios.ts';
import { SyncWorld } from './world.ts';

/**
 * Measures one backend at one size, in this process and its network namespace, which must be a private one. A process of its own
 * for each case keeps the memory figures clean.
 */
export async function runCase(spec: CaseSpec, onScenario: (scenario: ScenarioId) => void): Promise<CaseResult> {
  const { services, endpoints, runs, budgetMs, seed } = spec;
  const children = new ChildWatch();
  const random = seededRandom(seed);
  const before = memoryNow();
  const world = new SyncWorld({ ...spec, contender: contenderNamed(spec.contender), runner: systemRunner, children });
  const outcomes: Outcome[] = [];
  const strains: ScenarioStrain[] = [];
  const failures: CaseResult['failures'][number][] = [];
  children.open();
  try {
    await world.clear();
    const { totalMs: firstMs } = await world.start();
    const footprint = difference(memoryNow(), before);
    for (const scenario of spec.scenarios) {
      onScenario(scenario);
      const recorder = new ScenarioRecorder({ scenario, children, budgetMs });
      try {
        await SCENARIOS[scenario].run({ world, services, endpoints, runs, random, taker: recorder });
        outcomes.push(...recorder.outcomes);
        strains.push(recorder.strain());
      } catch (thrown) {
        failures.push({ scenario, reason: toSluiceError(thrown).message });
        await world.clear();
        await world.start(); // The next one finds what it expects.
      }
    }
    const wantsFloors = spec.scenarios.some((scenario) => scenario === 'cold' || scenario === 'change');
    const floors = wantsFloors
      ? await measureFloors({ world, children, runner: systemRunner, services, runs, random })
      : undefined;
    return {
      spec,
      firstMs,
      outcomes: outcomes.map((outcome) => withFloor(outcome, floors)),
      strains,
      failures,
      footprint,
    };
  } finally {
    await world.clear();
    children.close();
  }
}

function withFloor(outcome: Outcome, floors: Floors | undefined): Outcome {
  if (floors === undefined) return outcome;
  if (outcome.scenario === 'cold') return { ...outcome, floor: floors.cold };
  return outcome.scenario === 'change' ? { ...outcome, floor: floors.change } : outcome;
}

/** Without what is garbage. */
function memoryNow(): Footprint {
  releaseMemory('last-resort');
  const { rss, heapUsed } = process.memoryUsage();
  return { residentBytes: rss, heapBytes: heapUsed };
}

function difference(after: Footprint, before: Footprint): Footprint {
  return {
    residentBytes: after.residentBytes - before.residentBytes,
    heapBytes: after.heapBytes - before.heapBytes,
  };
}
