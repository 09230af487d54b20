import type { Clock } from '../../base/clock.ts';
import { SluiceError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { NameKey } from '../wire/name.ts';
import { encodeName, ROOT } from '../wire/name.ts';
import type { ForwardConfig } from './config.ts';
import type { Endpoint } from './endpoint.ts';
import { DNS_PORT, endpointText, parseEndpoint } from './endpoint.ts';
import { isOwnAddress } from './own-addresses.ts';
import { ResolvConfWatcher } from './resolv-conf-watcher.ts';
import type { UpstreamCounters } from './upstream.ts';
import { Upstream } from './upstream.ts';
import { UpstreamGroup } from './upstream-group.ts';
import { ZoneTable } from '../zone-table.ts';

export interface RoutesOptions {
  readonly config: ForwardConfig;
  /** `ADDR:PORT` of our own sockets: asking them would be asking ourselves. */
  readonly ownAddresses: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Which name servers to ask for a name, and those that the node uses for all others. */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #upstreams = new Map<string, Upstream>();
  readonly #stubs: ZoneTable<UpstreamGroup>;
  readonly #watcher: ResolvConfWatcher | undefined;
  /** Those of the stub domains stay when resolv.conf changes. */
  readonly #fixed: ReadonlySet<Upstream>;
  #default: UpstreamGroup | undefined;
  #allDown = 0;
  #mismatches = 0;

  /** @throws SluiceError `bad-config` for an address or a zone that is none. */
  constructor(options: RoutesOptions) {
    this.#options = options;
    const { upstreams, stubDomains, resolvConf } = options.config;
    this.#stubs = new ZoneTable(
      Object.entries(stubDomains).map(([zone, servers]) => [zoneName(zone), this.#group(servers.map(endpointOf))]),
    );
    this.#fixed = new Set(this.#upstreams.values());
    if (upstreams.length > 0) this.#default = this.#group(upstreams.map(endpointOf));
    if (upstreams.length > 0 || resolvConf === undefined) return;
    this.#default = this.#group([]);
    this.#watcher = new ResolvConfWatcher({
      path: resolvConf,
      clock: options.clock,
      onChange: (nameservers) => this.#follow(nameservers.map((host) => ({ ...host, port: DNS_PORT }))),
    });
    if (this.#default.upstreams.length === 0) {
      options.log.warn('no name server to forward to', { file: resolvConf });
    }
  }

  /** @returns `undefined` for names that nobody is to be asked for. */
  groupFor(name: NameKey): UpstreamGroup | undefined {
    return this.#stubs.find(name)?.value ?? this.#default;
  }

  /** Messages that did not fit a query, from upstreams that are no more, too. */
  get mismatches(): number {
    return this.#mismatches;
  }

  /** How often all upstreams of a group were down when one was needed, and what each did. */
  counters(): { readonly allDown: number; readonly upstreams: readonly UpstreamCounters[] } {
    return { allDown: this.#allDown, upstreams: [...this.#upstreams.values()].map((upstream) => upstream.counters()) };
  }

  close(): void {
    this.#watcher?.stop();
    for (const upstream of this.#upstreams.values()) upstream.close();
  }

  #follow(endpoints: readonly Endpoint[]): void {
    const group = this.#group(endpoints);
    this.#default = group;
    const used = new Set(group.upstreams);
    for (const [name, upstream] of this.#upstreams) {
      if (used.has(upstream) || this.#fixed.has(upstream)) continue;
      upstream.retire();
      this.#upstreams.delete(name);
    }
    this.#options.log.info('name servers to forward to', { servers: [...used].map(({ name }) => name) });
  }

  #group(endpoints: readonly Endpoint[]): UpstreamGroup {
    const { config, ownAddresses, clock, log } = this.#options;
    const others = endpoints.filter((endpoint) => {
      const isOwn = isOwnAddress(endpoint, ownAddresses);
      if (isOwn) log.warn('not forwarding to ourselves', { server: endpointText(endpoint) });
      return !isOwn;
    });
    return new UpstreamGroup({
      upstreams: others.map((endpoint) => this.#upstream(endpoint)),
      policy: config.policy,
      clock,
      totalTimeoutMs: config.totalTimeoutMs,
      onAllDown: () => void this.#allDown++,
    });
  }

  #upstream(endpoint: Endpoint): Upstream {
    const name = endpointText(endpoint);
    const known = this.#upstreams.get(name);
    if (known !== undefined) return known;
    const { config, clock, log } = this.#options;
    const upstream = new Upstream({
      endpoint,
      settings: config,
      clock,
      log,
      onMismatch: () => void this.#mismatches++,
    });
    this.#upstreams.set(name, upstream);
    return upstream;
  }
}

function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new SluiceError({
    code: 'bad-config',
    message: `upstream name server: ${JSON.stringify(text)} is not an address`,
    hint: 'write it as 10.0.0.53, 10.0.0.53:5353, fd00::53 or [fd00::53]:5353',
  });
}

function zoneName(text: string): NameKey {
  const zone = encodeName(text);
  if (zone !== undefined && zone !== ROOT) return zone;
  throw new SluiceError({
    code: 'bad-config',
    message: `stub domain: ${JSON.stringify(text)} is not a domain`,
    hint: 'write it as corp.example',
  });
}
