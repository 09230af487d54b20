import type { AgentClient } from './agent-client.ts';
import type {
  HoldCheckResult,
  HoldParams,
  ProbeParams,
  ProbeResult,
  StressParams,
  StressResult,
  Transport,
} from './protocol.ts';
import type { DualStack } from './topology.ts';

/**
 * A reply takes some milliseconds here and so does a refusal, with one exception: an ICMPv6 error that comes back while
 * `connect` still holds the socket, as on virtual links it does, is only heeded with the second SYN, after 1.02 s.
 */
const DEFAULT_PROBE_TIMEOUT_MS = 1500;

/** For the echo on a held connection. */
const DEFAULT_CHECK_TIMEOUT_MS = 1000;

/** What an agent may take longer than the time it was given: a busy machine, a blocked event loop. */
const GRACE_MS = 20_000;

export type ProbeOptions = Omit<ProbeParams, 'timeoutMs'> & {
  /** Default 1500. Where no ICMPv6 answer to TCP is expected, 400 is ample. */
  readonly timeoutMs?: number;
};

export type HoldOptions = Omit<ProbeOptions, 'protocol'>;

export type StressOptions = ProbeOptions &
  Pick<StressParams, 'durationMs'> & {
    /** Default 4. */
    readonly concurrency?: number;
    /** Between the end of a probe and the next one. Default 0. */
    readonly pauseMs?: number;
  };

export interface ListenOptions {
  readonly protocol: Transport;
  /** 0 lets the kernel choose, for each address anew. */
  readonly port: number;
  /** Default: the origin's addresses of both families. */
  readonly addresses?: readonly string[];
  /** What the greeting calls the server. Default: the origin's name. */
  readonly name?: string;
}

export interface Listener {
  /** In the order of the addresses. */
  readonly ports: readonly number[];
  /** Stops listening and cuts connections. */
  close(): Promise<void>;
}

export interface Stress {
  /** Settles when the time is over or after {@link stop}. */
  readonly done: Promise<StressResult>;
  stop(): Promise<StressResult>;
}

/** A TCP connection that stays open. */
export interface Hold {
  /** How it came about. */
  readonly opened: ProbeResult;
  /** Sends a line and waits for its echo, `timeoutMs` (default 1000) at most. */
  check(timeoutMs?: number): Promise<HoldCheckResult>;
  close(): Promise<void>;
}

/**
 * A place that packets come from: the node, a pod, the outside. Every method throws SluiceError `lab-failed` for faults
 * of the lab itself (a port that is taken, an agent that died); what happens to packets is a result.
 */
export class Origin {
  readonly name: string;
  readonly addresses: DualStack;
  readonly #agent: AgentClient;
  readonly #bindsSource: boolean;

  /** `bindsSource`: several origins share the agent's namespace, so packets must be told where they come from. */
  constructor(options: { name: string; addresses: DualStack; agent: AgentClient; bindsSource: boolean }) {
    this.name = options.name;
    this.addresses = options.addresses;
    this.#agent = options.agent;
    this.#bindsSource = options.bindsSource;
  }

  /** Opens one connection, or sends one datagram, and tells what came back. */
  probe(options: ProbeOptions): Promise<ProbeResult> {
    const params = { ...this.#withDefaults(options), protocol: options.protocol };
    return this.#agent.call('probe', params, params.timeoutMs + GRACE_MS);
  }

  /** Probes `count` times, one after the other, each from a port of its own. */
  async probes(options: ProbeOptions & { readonly count: number }): Promise<ProbeResult[]> {
    const { count, ...each } = options;
    const results: ProbeResult[] = [];
    while (results.length < count) results.push(await this.probe(each));
    return results;
  }

  /** Starts a server on every address; none stays when one of them cannot be bound. */
  async listen(options: ListenOptions): Promise<Listener> {
    const { protocol, port, addresses = Object.values(this.addresses), name = this.name } = options;
    const started = await Promise.allSettled(
      addresses.map((address) => this.#agent.call('listen', { protocol, port, name, address }, GRACE_MS)),
    );
    const listeners = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const close = async (): Promise<void> => {
      await Promise.all(listeners.map((listener) => this.#agent.call('closeListener', listener, GRACE_MS)));
    };
    const refused = started.find((one) => one.status === 'rejected');
    if (refused !== undefined) {
      await close();
      throw refused.reason;
    }
    return { ports: listeners.map((listener) => listener.port), close };
  }

  /** Probes without a break; for what is lost while rules change. */
  stress(options: StressOptions): Stress {
    const { protocol, durationMs, concurrency = 4, pauseMs = 0 } = options;
    const params = { ...this.#withDefaults(options), protocol, durationMs, concurrency, pauseMs };
    const done = this.#agent.call('stress', params, durationMs + params.timeoutMs + GRACE_MS);
    const stop = async (): Promise<StressResult> => {
      await this.#agent.call('stopStress', { request: done.id }, GRACE_MS);
      return done;
    };
    return { done, stop };
  }

  /** Opens a TCP connection that stays. When it did not come about, checks throw. */
  async hold(options: HoldOptions): Promise<Hold> {
    const params = this.#withDefaults(options);
    const { hold = 0, ...opened } = await this.#agent.call('hold', params, params.timeoutMs + GRACE_MS);
    return {
      opened,
      check: (timeoutMs = DEFAULT_CHECK_TIMEOUT_MS) =>
        this.#agent.call('holdCheck', { hold, timeoutMs }, timeoutMs + GRACE_MS),
      close: async () => {
        await this.#agent.call('holdClose', { hold }, GRACE_MS);
      },
    };
  }

  #withDefaults(options: HoldOptions): HoldParams {
    const { address, port, timeoutMs = DEFAULT_PROBE_TIMEOUT_MS, sourcePort } = options;
    const own = this.#bindsSource ? this.addresses[address.includes(':') ? 'IPv6' : 'IPv4'] : undefined;
    const sourceAddress = options.sourceAddress ?? own;
    return {
      address,
      port,
      timeoutMs,
      ...(sourceAddress !== undefined && { sourceAddress }),
      ...(sourcePort !== undefined && { sourcePort }),
    };
  }
}
