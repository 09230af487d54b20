import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Plan } from '../compiler/plan.ts';
import type { CommandRunner } from '../kernel/command.ts';
import type { OwnProcesses } from '../kernel/own-processes.ts';
import type { OnForeignWrite, RuleWatch } from '../kernel/rule-events.ts';
import type { SettingOutcome } from '../kernel/sysctl.ts';
import type { Cidr, IpFamily } from '../model/address.ts';
import type { Spelling } from './assembly.ts';
import type { ChangeSet, ObjectId, RuleSet } from './rules.ts';

/** What a human wants to know about the rules of one destination, read from the rules alone. */
export interface FrontendSummary {
  /** `namespace/name:port`, from the comment; absent in rules that carry none. */
  readonly service?: string;
  /** `ClusterIP`, `ExternalIP`, `LoadBalancer`, `NodePort`. */
  readonly kind: string;
  /** `10.96.0.7:80`, `*:30080` for a NodePort. */
  readonly destination: string;
  readonly protocol: string;
  /** `10.244.1.7:8080`, sorted. Everything the destination can lead to, from anywhere. */
  readonly endpoints: readonly string[];
  /** What happens to packets where it is not plain forwarding: `reject`, `drop`, `drop from outside`, … */
  readonly notes: readonly string[];
}

/** Settings that only backends know. */
export interface BackendSettings {
  /** Bit of the packet mark that asks for masquerade (iptables); 0 to 31. */
  readonly masqueradeBit: number;
  /** Whether the kernel was told to be liberal about TCP windows: then INVALID packets are not dropped (iptables). */
  readonly conntrackBeLiberal: boolean;
  /** Which of the two kernel interfaces of iptables to use; found out when absent. */
  readonly iptablesVariant?: 'nf_tables' | 'legacy';
  /** The section `ipvs` of kube-proxy's configuration; its defaults when absent. */
  readonly ipvs?: IpvsSettings;
}

export interface IpvsSettings {
  /** A scheduler of the kernel: `rr`, `lc`, `mh`, … */
  readonly scheduler: string;
  /** Virtual servers in these networks belong to others, whatever else they look like. */
  readonly excludeCidrs: readonly Cidr[];
  readonly strictArp: boolean;
  /** Seconds, after which idle connections are forgotten; 0 leaves the kernel's value. */
  readonly timeoutsS: { readonly tcp: number; readonly tcpFin: number; readonly udp: number };
}

/** What a machine offers a backend. */
export interface Probe {
  /** Versions for the log: `nft 1.0.6`, `iptables 1.8.9 (nf_tables)`. */
  readonly description: string;
  readonly families: readonly IpFamily[];
  /** Why a family is missing, for the log. */
  readonly missing: readonly string[];
}

/** Packets that the kernel counted at rules of ours; from zero again whenever these are written anew. */
export interface PacketCounts {
  /** Dropped because connection tracking found them invalid. */
  readonly invalid: number;
  /** First packets of connections to NodePorts on 127.0.0.1. */
  readonly localhostNodePorts: number;
}

/**
 * One family of one backend on this machine. A driver does one thing at a time (the applier sees to that) and keeps no
 * opinion: it reads what is there and writes what it is told.
 */
export interface Driver {
  /** Everything that is ours by name (kube-proxy's rules under the same names included); {@link SluiceError} `rules-unreadable` when that fails. */
  read(): Promise<RuleSet>;
  /**
   * The same as {@link read}, while {@link apply} may be called and goes first: so it may hold any mixture of what was there
   * meanwhile, and takes its time. What the driver knows from before stays.
   */
  inspect(): Promise<Inspection>;
  /**
   * Writes a change as one transaction: either all of it is in the kernel afterwards or nothing. Where the tools know no
   * transactions (IPVS) it is make before break, and what was written of a change that failed is for the next reading to
   * find. `wanted` is the rule set that the change leads to, for tools that sometimes have to write everything anew.
   *
   * @returns how many characters the tools were fed.
   * @throws {SluiceError} `kernel-refused` when tool or kernel reject the content, other codes when they could not be asked.
   */
  apply(change: ChangeSet, wanted: RuleSet): Promise<number>;
  /** Where a first load is written faster in slices, one of them spelled while the tool is busy with the one before. */
  readonly slices?: SliceWriter;
  /** Where the backend's rules count packets; may be called at any time. `undefined` when there are no rules yet. */
  countPackets?(): Promise<PacketCounts | undefined>;
  /** Ends helper processes; rules stay. */
  close(): Promise<void>;
}

export interface SliceWriter {
  /** Service ports of the first slice; every other has twice as many as the one before, up to `most`. */
  readonly first: number;
  readonly most: number;
  /**
   * {@link Driver.apply} in two halves. The first spells the change, at once, and may be called while an earlier change is being
   * written, if both only add; the second, to be called once the earlier one is in the kernel, writes it.
   */
  prepare(change: ChangeSet, wanted: RuleSet): () => Promise<number>;
}

/** What an inspection saw. */
export interface Inspection {
  readonly rules: RuleSet;
  /** Tells the driver that these objects and members are as the inspection saw them, for the changes to come. */
  accept(drift: ChangeSet): void;
}

export interface DriverOptions {
  readonly family: IpFamily;
  readonly runner: CommandRunner;
  readonly settings: BackendSettings;
  /** Where the driver notes the processes that write for it. */
  readonly own?: OwnProcesses;
  /** For what a driver does later, by itself. The system's by default. */
  readonly clock?: Clock;
}

export interface WatchOptions {
  readonly families: readonly IpFamily[];
  readonly runner: CommandRunner;
  readonly settings: BackendSettings;
  /** Those of all drivers: what they write is not foreign. */
  readonly own: OwnProcesses;
  readonly clock: Clock;
  readonly log: Log;
  readonly onForeignWrite: OnForeignWrite;
}

export interface Advice {
  /** Of the Event: kube-proxy's, where it has one. */
  readonly reason: string;
  readonly text: string;
}

/** A way to program Services. `spelling`, `text` and `summarize` are pure. */
export interface Backend {
  readonly name: string;
  /** kube-proxy's word for it in `mode:` and `--proxy-mode`. */
  readonly proxyMode: string;
  /** Whether rules name the addresses of the node's interfaces, so that a plan has to have them. */
  readonly namesInterfaceAddresses?: boolean;
  /** What somebody who chose this backend should know; said once, at the start: in the log, and beside the Node. */
  readonly advice?: Advice;
  spelling(settings: BackendSettings): Spelling;
  /** The table that an object is in, where the backend has several. */
  readonly tableOf?: (id: ObjectId) => string;
  /** The exact bytes that a node without any of our rules is fed, for `sluice render`. */
  text(plan: Plan, change: ChangeSet, settings: BackendSettings): string;
  /** One line of text per rule, element or chain that a change adds (`+ `) or removes (`- `), for `sluice diff --rules`. */
  explain(change: ChangeSet): readonly string[];
  /** Every destination that the rules serve. */
  summarize(rules: RuleSet): readonly FrontendSummary[];
  /** @throws {SluiceError} `command-missing`, `permission-denied` or `kernel-unsupported`, with what to do. */
  probe(runner: CommandRunner): Promise<Probe>;
  /**
   * Before the first rule: makes sure, by trying, that everything the rules need is there. Not for commands that only look.
   *
   * @throws {SluiceError} `kernel-unsupported` before anything has been changed.
   */
  prepare?(runner: CommandRunner, settings: BackendSettings): Promise<void>;
  /**
   * Sets what the rules rely on in this network namespace, sysctls above all.
   *
   * @returns how it came out; what failed is for the log.
   */
  tuneHost?(runner: CommandRunner, settings: BackendSettings): Promise<readonly SettingOutcome[]>;
  openDriver(options: DriverOptions): Driver;
  /** Notices when somebody else writes to our rules. @throws {SluiceError} when tools are missing. */
  watch(options: WatchOptions): Promise<RuleWatch>;
  /**
   * Removes every rule of this backend from the machine, and those of kube-proxy in the corresponding mode, nothing else.
   *
   * @returns what was removed, one line each; empty when there was nothing.
   */
  cleanup(runner: CommandRunner): Promise<readonly string[]>;
  /** The same through those kernel interfaces only that the backend does not write to now, where it has several. */
  cleanupUnused?(runner: CommandRunner, settings: BackendSettings): Promise<readonly string[]>;
}
