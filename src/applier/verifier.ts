import type { Clock } from '../base/clock.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { IpFamily } from '../model/address.ts';
import type { FamilySync } from './family-sync.ts';

export interface VerifierOptions {
  readonly families: readonly FamilySync[];
  readonly clock: Clock;
  readonly log: Log;
  /** How often each family is looked at without a reason; 0 means never. */
  readonly periodMs: number;
  /** Asks for a sync, which repairs what was found. */
  readonly requestSync: () => void;
}

/** After a look that did not come to an end. */
const RETRY_MS = 2000;

/** So often; after that a suspicion is looked into with the changes held back, and a routine look is left to the next period. */
const MAX_TRIES = 3;

/** Looking takes at most this part of the time, however often somebody gives a reason to. */
const SHARE = 20;

/** At first the pauses are shorter, so that a single change is put right soon. */
const FIRST_PAUSE_MS = 100;
const MAX_DOUBLINGS = 8;
/** Somebody who was quiet for so long starts afresh. */
const FORGIVE_MS = 60_000;

interface Due {
  /** Somebody else wrote; otherwise it is a matter of routine. */
  readonly suspicion: boolean;
  readonly tries: number;
}

/** Decides when to compare the kernel with what was written: every so often, and soon after others wrote. One at a time. */
export class Verifier {
  readonly #options: VerifierOptions;
  readonly #due = new Map<IpFamily, Due>();
  readonly #notBefore = new Map<IpFamily, number>();
  /** Who may have changed rules under us, until it is known whether they did. */
  readonly #suspects = new Map<IpFamily, string>();
  /** Looks that somebody gave a reason to, one soon after the other. */
  readonly #streaks = new Map<IpFamily, { readonly atMs: number; readonly times: number }>();
  readonly #timers = new Set<() => void>();
  #idleWaiters: (() => void)[] = [];
  #routine: (() => void) | undefined;
  #busy = false;
  #stopped = false;

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** There is something to compare with from now on. */
  start(): void {
    if (this.#stopped || this.#options.periodMs === 0) return;
    this.#routine ??= this.#options.clock.after(this.#options.periodMs, () => {
      this.#routine = undefined;
      this.verify();
      this.start();
    });
  }

  /** Looks at everything soon, and gives refused Services another chance. */
  verify(): void {
    for (const family of this.#options.families) {
      if (family.retryRefused()) this.#options.requestSync();
      this.#add(family.family, { suspicion: false, tries: 0 });
    }
  }

  /** Somebody else may have changed the rules of this family. */
  suspect(family: IpFamily, who: string): void {
    this.#suspects.set(family, who);
    this.#add(family, { suspicion: true, tries: 0 });
  }

  /** Who was suspected last, for a repair that was done. */
  takeSuspect(family: IpFamily): string | undefined {
    const who = this.#suspects.get(family);
    this.#suspects.delete(family);
    return who;
  }

  /** Resolves when nothing is being looked at and nothing is due. */
  idle(): Promise<void> {
    if (!this.#busy && this.#due.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Nothing is begun any more. */
  stop(): void {
    this.#stopped = true;
    this.#routine?.();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#due.clear();
    if (!this.#busy) this.#tellIdle();
  }

  #add(family: IpFamily, due: Due): void {
    if (this.#stopped) return;
    const known = this.#due.get(family);
    this.#due.set(family, { ...due, suspicion: due.suspicion || known?.suspicion === true });
    this.#later(this.#notBefore.get(family) ?? 0);
  }

  /** Begins what is due then. */
  #later(atMs: number): void {
    const { clock } = this.#options;
    const waitMs = atMs - clock.now();
    if (waitMs <= 0) {
      void this.#work();
      return;
    }
    const cancel = clock.after(waitMs, () => {
      this.#timers.delete(cancel);
      void this.#work();
    });
    this.#timers.add(cancel);
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (;;) {
        const next = this.#next();
        if (next === undefined) return;
        await this.#look(...next);
      }
    } finally {
      this.#busy = false;
      // What became due meanwhile may have to wait.
      for (const family of this.#due.keys()) this.#later(this.#notBefore.get(family) ?? 0);
      if (this.#due.size === 0) this.#tellIdle();
    }
  }

  #tellIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #next(): [FamilySync, Due] | undefined {
    const nowMs = this.#options.clock.now();
    for (const family of this.#options.families) {
      const due = this.#due.get(family.family);
      if (due === undefined || (this.#notBefore.get(family.family) ?? 0) > nowMs) continue;
      this.#due.delete(family.family);
      return [family, due];
    }
    return undefined;
  }

  async #look(family: FamilySync, due: Due): Promise<void> {
    const { clock, log, requestSync } = this.#options;
    const startMs = clock.now();
    try {
      const found = await family.inspect();
      if (found) requestSync();
      else if (!this.#due.has(family.family)) this.#suspects.delete(family.family);
      const facts = { family: family.family, ms: Math.round(clock.now() - startMs), suspicion: due.suspicion };
      log.debug(`rules in the kernel compared, ${found ? 'some differ' : 'none differs'}`, facts);
      if (due.suspicion) this.#pause(family.family, clock.now() - startMs);
    } catch (thrown) {
      if (this.#stopped) return;
      const { message } = toSluiceError(thrown);
      const tries = due.tries + 1;
      log.debug(`could not compare the rules in the kernel: ${message}`, { family: family.family, tries });
      if (tries < MAX_TRIES) {
        this.#notBefore.set(family.family, clock.now() + RETRY_MS);
        this.#add(family.family, { ...due, tries });
      } else if (due.suspicion) {
        family.distrust();
        requestSync();
      } else {
        log.warn(`the rules in the kernel could not be verified, they are tried again later: ${message}`, {
          family: family.family,
        });
      }
    }
  }

  #pause(family: IpFamily, tookMs: number): void {
    const nowMs = this.#options.clock.now();
    const last = this.#streaks.get(family);
    const times = last === undefined || nowMs - last.atMs > FORGIVE_MS ? 0 : Math.min(last.times + 1, MAX_DOUBLINGS);
    this.#streaks.set(family, { atMs: nowMs, times });
    this.#notBefore.set(family, nowMs + Math.min(SHARE * tookMs, FIRST_PAUSE_MS * 2 ** times));
  }
}
