import type { Outcome, ScenarioStrain } from './case.ts';
import type { ChildWatch } from './child-watch.ts';
import type { Sample } from './sample.ts';
import { detailOf } from './sample.ts';
import type { SampleTaker, ScenarioId, Steps } from './scenarios.ts';
import type { Strain } from './self-watch.ts';
import { watchSelf } from './self-watch.ts';
import { summarize } from '../statistics.ts';

export interface RecorderOptions {
  readonly scenario: ScenarioId;
  readonly children: ChildWatch;
  readonly budgetMs: number;
}

/** However long they take. */
const FEWEST_SAMPLES = 3;

/** Takes the samples of one scenario, and watches the process while it does. */
export class ScenarioRecorder implements SampleTaker {
  readonly outcomes: Outcome[] = [];
  readonly #options: RecorderOptions;
  readonly #strains: Strain[] = [];
  #childPeakBytes = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** The worst of every series. */
  strain(): ScenarioStrain {
    const most = (pick: (strain: Strain) => number): number => Math.max(0, ...this.#strains.map(pick));
    const sum = (pick: (strain: Strain) => number): number => this.#strains.reduce((all, one) => all + pick(one), 0);
    return {
      scenario: this.#options.scenario,
      peakBytes: most(({ peakBytes }) => peakBytes),
      childPeakBytes: this.#childPeakBytes,
      stallMs: most(({ stallMs }) => stallMs),
      longestGcMs: most(({ longestGcMs }) => longestGcMs),
      gcMs: sum(({ gcMs }) => gcMs),
      cpuMs: sum(({ cpuMs }) => cpuMs),
    };
  }

  async series(operation: string, wanted: number, { before, sample }: Steps): Promise<void> {
    const samples: Sample[] = [];
    const once = async (): Promise<void> => {
      samples.push(await sample());
    };
    if (before === undefined) {
      await this.#watch(() => this.#repeat(wanted, once));
    } else {
      await this.#repeat(wanted, async () => {
        await before();
        await this.#watch(once);
      });
    }
    this.#keep(operation, samples);
  }

  async turns(operations: readonly string[], wanted: number, steps: readonly (() => Promise<Sample>)[]): Promise<void> {
    const samples = steps.map((): Sample[] => []);
    const round = async (): Promise<void> => {
      for (const [i, step] of steps.entries()) samples[i]?.push(await step());
    };
    await this.#watch(() => this.#repeat(wanted, round));
    for (const [i, operation] of operations.entries()) this.#keep(operation, samples[i] ?? []);
  }

  add(operation: string, durationsMs: readonly number[]): void {
    this.outcomes.push({ scenario: this.#options.scenario, operation, total: summarize(durationsMs) });
  }

  #keep(operation: string, samples: readonly Sample[]): void {
    const total = summarize(samples.map(({ totalMs }) => totalMs));
    this.outcomes.push({ scenario: this.#options.scenario, operation, total, detail: detailOf(samples) });
  }

  async #repeat(wanted: number, work: () => Promise<void>): Promise<void> {
    const endMs = performance.now() + this.#options.budgetMs;
    for (let i = 0; i < wanted && (i < FEWEST_SAMPLES || performance.now() < endMs); i++) await work();
  }

  async #watch(work: () => Promise<void>): Promise<void> {
    const { children } = this.#options;
    children.takePeak();
    const { strain } = await watchSelf(work);
    this.#strains.push(strain);
    this.#childPeakBytes = Math.max(this.#childPeakBytes, children.takePeak());
  }
}
