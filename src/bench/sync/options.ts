import { SluiceError } from '../../base/errors.ts';
import type { Skipped } from '../report/report.ts';
import type { CaseSpec } from './case.ts';
import type { Contender } from './contenders.ts';
import { contenderNamed, CONTENDERS } from './contenders.ts';
import type { ScenarioId } from './scenarios.ts';
import { SCENARIO_IDS } from './scenarios.ts';

export interface SyncBenchOptions {
  readonly contenders: readonly Contender[];
  /** `undefined`: the usual sizes. */
  readonly services: readonly number[] | undefined;
  readonly endpoints: readonly number[] | undefined;
  readonly scenarios: readonly ScenarioId[];
  readonly runs: number;
  readonly budgetMs: number;
  readonly seed: number;
  /** A case that takes longer is ended and left out. */
  readonly caseTimeoutMs: number;
}

const USUAL_SERVICES = [1000, 5000, 10_000, 20_000, 50_000, 100_000];

const USUAL_ENDPOINTS = [1, 4, 10, 100];

/** Names between commas; all contenders when there is no text. @throws {SluiceError} `bad-config`. */
export function parseContenders(text: string | undefined): readonly Contender[] {
  return text === undefined ? CONTENDERS : text.split(',').map((name) => contenderNamed(name.trim()));
}

/** Names between commas, in the order in which they are done; all when there is no text. @throws {SluiceError} `bad-config`. */
export function parseScenarios(text: string | undefined): readonly ScenarioId[] {
  const wanted = text?.split(',').map((name) => name.trim()) ?? SCENARIO_IDS;
  const unknown = wanted.find((name) => !SCENARIO_IDS.some((id) => id === name));
  if (unknown === undefined) return SCENARIO_IDS.filter((id) => wanted.includes(id));
  throw new SluiceError({
    code: 'bad-config',
    message: `--scenarios: "${unknown}" is not one of ${SCENARIO_IDS.join(', ')}`,
  });
}

/** Every case there is to measure with these contenders, and the sizes that are left out because nobody asked for them. */
export function casesOf(options: SyncBenchOptions): { cases: readonly CaseSpec[]; skipped: readonly Skipped[] } {
  const {
    contenders,
    services = USUAL_SERVICES,
    endpoints = USUAL_ENDPOINTS,
    scenarios,
    runs,
    budgetMs,
    seed,
  } = options;
  const asked = options.services !== undefined && options.endpoints !== undefined;
  const cases: CaseSpec[] = [];
  const skipped: Skipped[] = [];
  for (const { name, usual } of contenders) {
    for (const count of services) {
      for (const each of endpoints) {
        if (asked || (count <= usual.services && count * each <= usual.endpoints)) {
          cases.push({ contender: name, services: count, endpoints: each, scenarios, runs, budgetMs, seed });
        } else {
          const reason = 'takes very long; name it with --services and --endpoints to measure it';
          skipped.push({ what: `${name}, ${sizeText(count, each)}`, reason });
        }
      }
    }
  }
  return { cases, skipped };
}

/** `10,000 Services × 4 endpoints`. */
export function sizeText(services: number, endpoints: number): string {
  return `${services.toLocaleString('en-GB')} Services × ${endpoints} endpoint${endpoints === 1 ? '' : 's'}`;
}
