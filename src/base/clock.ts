/** The only source of time for code that decides by it, so that tests can own it. */
export interface Clock {
  /** Milliseconds of a clock that never jumps back; its zero means nothing. */
  now(): number;
  /** Milliseconds since 1970; jumps when somebody sets the clock, so only for people and other machines. */
  dateMs(): number;
  /** Calls back once after `delayMs`. @returns what cancels it. */
  after(delayMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  dateMs: () => Date.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};
