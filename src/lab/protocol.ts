/**
 * What {@link Lab} and its agents say to each other: one JSON object per line, requests `{id, method, params}` to the
 * agent's standard input, replies `{id, result}` or `{id, error}` from its standard output, in any order.
 */
export interface Request<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly params: AgentMethods[M]['params'];
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly errno?: string } };

/** `sctp`: the first two packets of an association, see `sctp.ts`. */
export type Transport = 'tcp' | 'udp' | 'sctp';

/** Every method of an agent, with what goes in and what comes out. */
export interface AgentMethods {
  readonly ping: { readonly params: Nothing; readonly result: { readonly pid: number } };
  readonly listen: { readonly params: ListenParams; readonly result: ListenResult };
  readonly closeListener: { readonly params: ListenResult; readonly result: Nothing };
  readonly probe: { readonly params: ProbeParams; readonly result: ProbeResult };
  readonly stress: { readonly params: StressParams; readonly result: StressResult };
  /** Ends a `stress` early; the stress itself then replies as usual. */
  readonly stopStress: { readonly params: { readonly request: number }; readonly result: Nothing };
  readonly hold: { readonly params: HoldParams; readonly result: HoldResult };
  readonly holdCheck: { readonly params: HoldCheckParams; readonly result: HoldCheckResult };
  readonly holdClose: { readonly params: { readonly hold: number }; readonly result: Nothing };
}

export type Method = keyof AgentMethods;

export type Nothing = Readonly<Record<string, never>>;

export interface ListenParams {
  readonly protocol: Transport;
  /** An address of this network namespace: a UDP reply must leave from the address that was hit. */
  readonly address: string;
  /** 0 lets the kernel choose; see {@link ListenResult.port}. */
  readonly port: number;
  /** How the server names itself in its greeting. */
  readonly name: string;
}

export interface ListenResult {
  readonly listener: number;
  readonly port: number;
}

/** What an agent has running after a `listen`. */
export interface Server {
  readonly port: number;
  /** Stops listening; TCP connections are cut. */
  close(): Promise<void>;
}

/** The line a server sends: a TCP server when a client connects, a UDP server for every datagram. */
export interface Greeting {
  readonly server: string;
  /** The client's address as the server sees it. */
  readonly client: string;
  readonly clientPort: number;
}

export interface ProbeParams {
  readonly protocol: Transport;
  readonly address: string;
  readonly port: number;
  /** For the whole probe. The kernel repeats a lost SYN after 1 s. */
  readonly timeoutMs: number;
  readonly sourceAddress?: string;
  readonly sourcePort?: number;
}

/** `reset`: a connection came about and was broken before the greeting. `ms`: since the probe started. */
export type ProbeResult =
  | ({ readonly outcome: 'reply'; readonly ms: number } & Greeting)
  | { readonly outcome: 'refused' | 'reset' | 'timeout'; readonly ms: number }
  | { readonly outcome: 'unreachable'; readonly errno: string; readonly ms: number };

export interface StressParams extends ProbeParams {
  readonly durationMs: number;
  /** How many probes are under way at any time. */
  readonly concurrency: number;
  /** Between the end of a probe and the next one; 0 for none. */
  readonly pauseMs: number;
}

export interface StressResult {
  readonly attempts: number;
  readonly ok: number;
  readonly failed: number;
  /** The first {@link MAX_REPORTED_FAILURES} failures; `reason` is an outcome, or the errno of a local error. */
  readonly failures: readonly { readonly reason: string; readonly atMs: number }[];
  readonly byServer: Readonly<Record<string, number>>;
  readonly durationMs: number;
}

export const MAX_REPORTED_FAILURES = 1000;

export type HoldParams = Omit<ProbeParams, 'protocol'>;

/** `hold` names the connection; it is there only when the result is a reply. */
export type HoldResult = ProbeResult & { readonly hold?: number };

export interface HoldCheckParams {
  readonly hold: number;
  readonly timeoutMs: number;
}

/** Did a line come back on the connection? `reason`: `timeout`, `closed` or an errno. */
export type HoldCheckResult =
  | { readonly alive: true; readonly ms: number }
  | { readonly alive: false; readonly reason: string; readonly ms: number };
