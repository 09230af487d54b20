import { SluiceError } from '../../base/errors.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { NftSession } from '../../kernel/nft-session.ts';
import type { Random } from '../random.ts';
import type { Summary } from '../statistics.ts';
import { summarize } from '../statistics.ts';
import type { ChildWatch, Feeding } from './child-watch.ts';
import type { SyncWorld } from './world.ts';

export interface FloorOptions {
  readonly world: SyncWorld;
  readonly children: ChildWatch;
  readonly runner: CommandRunner;
  readonly services: number;
  readonly runs: number;
  readonly random: Random;
}

/** What the backend's own tool needs, on this machine, with no sluice in front of it. */
export interface Floors {
  readonly cold: Summary;
  readonly change: Summary;
}

const CHANGES = 40;

/**
 * Records what the tool is fed in a cold load and in single changes, and feeds it the same again from the same state, with
 * nothing but a clock beside it: no backend that goes through this tool can be faster. `undefined` for a backend that feeds no
 * child.
 */
export async function measureFloors(options: FloorOptions): Promise<Floors | undefined> {
  const { world, children, services, runs, random } = options;
  await world.clear();
  children.record();
  await world.start();
  const load = children.takeRecord();
  children.record();
  for (let i = 0; i < CHANGES; i++) await world.sync([world.nextChange(random.below(services))]);
  const changes = children.takeRecord();
  if (load.length === 0 || changes.length === 0) return undefined;
  const player = new Player(options.runner);
  try {
    const coldMs: number[] = [];
    for (let run = 0; run < runs; run++) {
      await world.clear();
      coldMs.push((await player.play(load)).reduce((sum, ms) => sum + ms, 0));
    }
    return { cold: summarize(coldMs), change: summarize(await player.play(changes)) };
  } finally {
    await player.close();
  }
}

/** In user namespaces drivers learn by trying how much fits into a message; then it comes again in parts. */
const TOO_LONG = /Message too long|No buffer space available/;

function refusal(complaint: string): SluiceError {
  return new SluiceError({ code: 'kernel-refused', message: `rules were not accepted a second time: ${complaint}` });
}

/** Feeds the tools again. */
class Player {
  readonly #runner: CommandRunner;
  readonly #session = new NftSession();

  constructor(runner: CommandRunner) {
    this.#runner = runner;
  }

  /** @returns how long each text took. @throws {SluiceError} `kernel-refused` when a text is not accepted this time. */
  async play(feedings: readonly Feeding[]): Promise<readonly number[]> {
    await this.#session.run(''); // Starts it.
    const durationsMs: number[] = [];
    for (const { argv, texts } of feedings) {
      const interactive = argv.some((word) => word.includes('nft -i'));
      for (const text of interactive ? texts : [texts.join('')]) {
        const startMs = performance.now();
        const complaint = interactive ? await this.#line(text) : await this.#program(argv, text);
        if (complaint === '') durationsMs.push(performance.now() - startMs);
        else if (!TOO_LONG.test(complaint)) throw refusal(complaint);
      }
    }
    return durationsMs;
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** The first line is the transaction; the session asks for the acknowledgement itself. */
  #line(text: string): Promise<string> {
    return this.#session.run(text.slice(0, text.indexOf('\n')));
  }

  async #program([file = '', ...args]: readonly string[], input: string): Promise<string> {
    const { exitCode, stderr } = await this.#runner.run(file, args, { input });
    return exitCode === 0 ? '' : stderr;
  }
}
