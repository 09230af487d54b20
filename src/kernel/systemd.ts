import type { Clock } from '../base/clock.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { CommandRunner } from './command.ts';

export interface SystemdOptions {
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly log: Log;
  /** Where systemd leaves NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Default: this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Is all well? Asked before each sign of life; without one in time systemd restarts the service. */
  readonly isAlive?: () => boolean;
}

/** Status lines are for people: the last one of this time is enough. Each costs a process. */
const STATUS_INTERVAL_MS = 5000;

const TIMEOUT_MS = 5000;

/**
 * Tells systemd how the service is doing (sd_notify(3)), for a unit with `Type=notify` and `NotifyAccess=all`. Does nothing
 * where nobody asked to be told. Node has no datagram sockets for it, so each message is a run of `systemd-notify`, which
 * is there wherever systemd is. A failure is said once and never stops anybody.
 */
export class SystemdNotifier {
  readonly #options: SystemdOptions;
  readonly #asked: boolean;
  readonly #watchdogMs: number | undefined;
  #last: Promise<void> = Promise.resolve();
  #saidStatus = '';
  #nextStatus = '';
  #statusAtMs = Number.NEGATIVE_INFINITY;
  #cancelStatus: (() => void) | undefined;
  #cancelWatchdog: (() => void) | undefined;
  #failed = false;
  #stopping = false;

  constructor(options: SystemdOptions) {
    this.#options = options;
    const env = options.env ?? process.env;
    this.#asked = (env['NOTIFY_SOCKET'] ?? '') !== '';
    this.#watchdogMs = watchdogMs(env);
  }

  /** Start-up is over. From now on the watchdog is fed, twice in the time that it gives. */
  async ready(status: string): Promise<void> {
    this.#noteStatus(status);
    await this.#send('READY=1', `STATUS=${status}`);
    this.#feedWatchdog();
  }

  /** What `systemctl status` shows; one line. At most one message in five seconds, with the newest status. */
  status(text: string): void {
    this.#nextStatus = text;
    if (!this.#asked || this.#stopping || this.#cancelStatus !== undefined || text === this.#saidStatus) return;
    const { clock } = this.#options;
    this.#cancelStatus = clock.after(Math.max(0, this.#statusAtMs + STATUS_INTERVAL_MS - clock.now()), () => {
      this.#cancelStatus = undefined;
      const newest = this.#nextStatus;
      if (newest === this.#saidStatus) return;
      this.#noteStatus(newest);
      void this.#send(`STATUS=${newest}`);
    });
  }

  /** Shutting down was begun; ends everything that this object does by itself. */
  async stopping(status: string): Promise<void> {
    this.#stopping = true;
    this.#cancelStatus?.();
    this.#cancelStatus = undefined;
    this.#cancelWatchdog?.();
    this.#cancelWatchdog = undefined;
    await this.#send('STOPPING=1', `STATUS=${status}`);
  }

  #noteStatus(text: string): void {
    this.#saidStatus = text;
    this.#nextStatus = text;
    this.#statusAtMs = this.#options.clock.now();
  }

  #feedWatchdog(): void {
    if (!this.#asked || this.#watchdogMs === undefined || this.#stopping) return;
    this.#cancelWatchdog = this.#options.clock.after(this.#watchdogMs / 2, () => {
      if (this.#options.isAlive?.() ?? true) void this.#send('WATCHDOG=1');
      this.#feedWatchdog();
    });
  }

  /** One after the other: a status that overtakes another would stay. */
  #send(...assignments: readonly string[]): Promise<void> {
    if (!this.#asked) return Promise.resolve();
    const words = assignments.map((assignment) => assignment.replaceAll(/\s+/g, ' '));
    this.#last = this.#last.then(() => this.#run(words));
    return this.#last;
  }

  async #run(words: readonly string[]): Promise<void> {
    const { runner, log } = this.#options;
    try {
      const { exitCode, stderr } = await runner.run('systemd-notify', words, { timeoutMs: TIMEOUT_MS });
      if (exitCode !== 0) this.#complain(log, stderr.trim());
    } catch (thrown) {
      this.#complain(log, toSluiceError(thrown).message);
    }
  }

  #complain(log: Log, reason: string): void {
    if (!this.#failed) log.warn(`cannot tell systemd how this service is doing: ${reason}`);
    this.#failed = true;
  }
}

/** Only a watchdog that waits for this very process counts. */
function watchdogMs(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const ms = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  const forUs = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(process.pid);
  return forUs && ms > 0 ? ms : undefined;
}
