import type { FamilyReport } from '../applier/family-sync.ts';
import { equalData } from '../base/equal.ts';
import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import { DnsServer } from '../dns/server.ts';
import type { CommandRunner } from '../kernel/command.ts';
import type { InterceptionPlan, PodMatch } from '../kernel/dns-interception.ts';
import { DnsInterception, interceptedBefore } from '../kernel/dns-interception.ts';
import { kernelFamilies } from '../kernel/families.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import { familyOf } from '../model/address.ts';
import type { DnsChange } from '../model/dns-change.ts';
import type { ObjectEvent } from '../model/store.ts';
import { Backoff } from '../source/backoff.ts';
import { DnsCheck } from './dns-check.ts';
import { dnsChangesOf } from './dns-manifests.ts';
import { DnsMirror } from './dns-mirror.ts';
import { OwnAddresses } from './dns-own-addresses.ts';
import { ProgrammedAddresses } from './dns-programmed.ts';
import { DNS_PORT, responderOptionsFrom, zoneSettingsFrom } from './dns-settings.ts';

export interface NodeDnsOptions {
  readonly config: Config;
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly log: Log;
  /** Told whenever queries begin or cease to be intercepted. */
  readonly onIntercepting: (isIntercepting: boolean) => void;
  /** A thread that answers ended by itself, and others are started. */
  readonly onRestart: () => void;
}

/** How long the kernel intercepts after the last good check, and how often there is one. */
const LIFE_MS = 1500;
const PERIOD_MS = 400;

/** A check without an answer after this is no good. */
const CHECK_MS = 300;

/** Threads that have not answered this many checks in a row are replaced. */
const MAX_MISSES = 25;

/** How long queries that were under way when the interception ended may still be answered. */
const DRAIN_MS = 1000;

/** Threads that live so long begin with short pauses again when they end. */
const STEADY_MS = 60_000;

const BACKOFF = { firstMs: 200, maxMs: 10_000, random: Math.random };

/**
 * The cluster's DNS on this node. It answers once everything is listed and has rules; it intercepts queries as long as it
 * answers. All the rest of the time they go to the cluster's DNS as if this did not exist.
 */
export class NodeDns {
  readonly #options: NodeDnsOptions;
  readonly #interception: DnsInterception;
  readonly #addresses: OwnAddresses;
  readonly #mirror = new DnsMirror();
  readonly #programmed = new ProgrammedAddresses();
  readonly #backoff = new Backoff(BACKOFF);
  readonly #pods: Partial<Record<IpFamily, PodMatch>> = {};
  #listed = false;
  #written = false;
  #plan: InterceptionPlan | undefined;
  #server: DnsServer | undefined;
  #check: DnsCheck | undefined;
  #misses = 0;
  #startedMs = 0;
  /** No threads are started before. */
  #resumeMs = 0;
  #intercepting = false;
  #stopping = false;
  #wake: () => void = () => {};
  readonly #loop: Promise<void>;

  private constructor(options: NodeDnsOptions, before: readonly string[]) {
    this.#options = options;
    this.#interception = new DnsInterception(options.runner, LIFE_MS);
    this.#addresses = new OwnAddresses(options.runner, before);
    this.#loop = this.#run();
  }

  /** @throws {SluiceError} `command-missing` without nft, which interception needs whatever writes the Service rules. */
  static async open(options: NodeDnsOptions): Promise<NodeDns> {
    return new NodeDns(options, await interceptedBefore(options.runner));
  }

  /** The threads that answer now. */
  get server(): DnsServer | undefined {
    return this.#server;
  }

  /** What the machine has because of this. */
  get addresses(): ReadonlySet<string> {
    return this.#addresses.all;
  }

  objects(events: readonly ObjectEvent[]): void {
    const { changes, problems } = dnsChangesOf(events, this.#options.config);
    for (const problem of problems) this.#options.log.debug(problem);
    this.#tell(changes);
  }

  /** Everything has been passed to {@link objects}. */
  listed(): void {
    this.#listed = true;
    this.#wake();
  }

  /** Names of Services appear as soon as these rules are in the kernel. */
  familySynced(report: Pick<FamilyReport, 'family' | 'plan'>): void {
    const { family, plan } = report;
    this.#tell(this.#programmed.update(report));
    const { podDetector } = plan.node;
    if (podDetector === undefined) delete this.#pods[family];
    else this.#pods[family] = podDetector;
  }

  /** All families have been written. */
  finished(): void {
    this.#written = true;
    if (this.#plan === undefined || !equalData(this.#plan, this.#wanted())) this.#wake();
  }

  /** Hands over to the cluster's DNS, answers what is left, and removes every trace. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    await this.#loop;
    const { clock } = this.#options;
    if (this.#server !== undefined) {
      await this.#withdraw().catch(() => undefined);
      await new Promise<void>((resolve) => void clock.after(DRAIN_MS, resolve));
    }
    await this.#endServer();
    await this.#addresses.set([]);
    await this.#interception.close();
  }

  #tell(changes: readonly DnsChange[]): void {
    if (changes.length === 0) return;
    this.#mirror.note(changes);
    this.#server?.apply(changes);
  }

  #wanted(): InterceptionPlan {
    const { config } = this.#options;
    const families = kernelFamilies();
    const all = [...config.dnsAddresses, ...this.#programmed.addressesOf(config.dnsService)];
    const addresses = [...new Set(all)].filter((address) => families.includes(familyOf(address)));
    return { addresses, pods: { ...this.#pods } };
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (!this.#stopping) {
      let pauseMs = PERIOD_MS;
      try {
        if (this.#listed && this.#written && clock.now() >= this.#resumeMs) await this.#step();
      } catch (thrown) {
        const { message, code, hint } = toSluiceError(thrown);
        pauseMs = this.#backoff.next();
        this.#setIntercepting(false);
        log.error(`DNS does not answer here: ${message}`, { code, hint, retryInMs: Math.round(pauseMs) });
      }
      if (this.#stopping) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(pauseMs, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
    }
  }

  async #step(): Promise<void> {
    const wanted = this.#wanted();
    if (!equalData(this.#plan, wanted)) await this.#move(wanted);
    const server = this.#server ?? (await this.#startServer(wanted.addresses));
    const check = this.#check;
    if (check === undefined) return;
    // The first time, to be let through to ourselves.
    if (!this.#intercepting) await this.#interception.vouch(undefined, check.ports);
    const passed = await check.passes(wanted.addresses, CHECK_MS);
    // It may have ended meanwhile.
    const vouched = passed && this.#server === server ? wanted.addresses : undefined;
    await this.#interception.vouch(vouched, check.ports);
    this.#misses = passed ? 0 : this.#misses + 1;
    if (passed && this.#options.clock.now() - this.#startedMs > STEADY_MS) this.#backoff.reset();
    // After so many the kernel has forgotten the last one.
    if (passed || this.#misses * PERIOD_MS > LIFE_MS) this.#setIntercepting(passed);
    if (this.#misses > MAX_MISSES) this.#ended('it does not answer any more');
  }

  /** To other addresses, or for other pods. */
  async #move(wanted: InterceptionPlan): Promise<void> {
    this.#setIntercepting(false);
    await this.#interception.lay(wanted);
    if (!equalData(this.#plan?.addresses, wanted.addresses)) await this.#endServer();
    await this.#addresses.set(wanted.addresses);
    this.#plan = wanted;
  }

  async #startServer(addresses: readonly IpAddress[]): Promise<DnsServer> {
    const { config, clock, log } = this.#options;
    const zone = zoneSettingsFrom(config, addresses);
    await this.#withdraw();
    this.#check ??= await DnsCheck.open(kernelFamilies(), zone.zones[0] ?? '');
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined); // It may fail when nobody waits for it any more.
    const server = await DnsServer.start({
      ...responderOptionsFrom(config),
      zone,
      listen: addresses.map((host) => ({ host, port: DNS_PORT })),
      clock,
      onFailure: (reason) => {
        failed.reject(new SluiceError({ code: 'internal', message: `a DNS thread ended: ${reason}` }));
        this.#ended(reason);
      },
    });
    // Whatever comes from now on goes to the thread directly.
    server.apply(this.#mirror.all());
    server.setSynced();
    this.#server = server;
    this.#startedMs = clock.now();
    await Promise.race([server.idle(), failed.promise]);
    this.#misses = 0;
    log.info('answering DNS queries', { addresses: addresses.join(' ') });
    return server;
  }

  #ended(reason: string): void {
    const server = this.#server;
    if (server === undefined) return;
    const { clock, log, onRestart } = this.#options;
    this.#server = undefined;
    this.#resumeMs = clock.now() + this.#backoff.next();
    onRestart();
    log.error(`a DNS thread ended: ${reason}; the cluster's DNS takes over until there is another`);
    void this.#withdraw()
      .catch(() => undefined)
      .then(() => server.stop());
  }

  async #endServer(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
    this.#check?.close();
    this.#check = undefined;
  }

  async #withdraw(): Promise<void> {
    this.#setIntercepting(false);
    await this.#interception.withdraw();
  }

  #setIntercepting(isIntercepting: boolean): void {
    if (this.#intercepting === isIntercepting) return;
    this.#intercepting = isIntercepting;
    const addresses = this.#plan?.addresses.join(' ');
    this.#options.onIntercepting(isIntercepting);
    this.#options.log.info(isIntercepting ? 'DNS queries stay on this node' : 'DNS queries go to the cluster', {
      addresses,
    });
  }
}
