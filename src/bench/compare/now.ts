/** Milliseconds of the machine's clock, which is the same in all processes (CLOCK_MONOTONIC). */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
