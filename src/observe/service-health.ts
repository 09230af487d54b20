import type { Clock } from '../base/clock.ts';
import { toSluiceError } from '../base/errors.ts';
import type { SluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import { parseIpAddress } from '../model/address.ts';
import type { ObjectName } from '../model/service.ts';
import type { HttpReply } from './http-exchange.ts';
import { NO_SNIFF } from './http-exchange.ts';
import { HttpServer } from './http-server.ts';

/** A Service with `healthCheckNodePort` as one family should serve it. */
export interface ServiceHealthTarget {
  readonly port: number;
  /** Distinct addresses of its ready endpoints on this node, over all its ports. */
  readonly localEndpoints: number;
}

export interface ServiceHealthState {
  /** Node addresses of the family to listen on; `all` for any. */
  readonly addresses: 'all' | readonly IpAddress[];
  readonly services: ReadonlyMap<ObjectName, ServiceHealthTarget>;
}

export interface ServiceHealthOptions {
  /** Whether rules are written in time ({@link ProxyHealth.inStep}); the node's own state does not count here. */
  readonly inStep: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every failed attempt to open a Service's port, also of the same one again. */
  readonly onListenFailure: (service: ObjectName, port: number, error: SluiceError) => void;
}

interface OpenService {
  readonly port: number;
  readonly addresses: readonly IpAddress[];
  readonly servers: readonly HttpServer[];
  localEndpoints: number;
}

const ANY = { IPv4: '0.0.0.0', IPv6: '::' } as const;

/**
 * The servers by which load balancers find the nodes that have endpoints of a Service (`externalTrafficPolicy: Local`): one per
 * Service, family and address. Any path and method gets the same answer.
 */
export class ServiceHealth {
  readonly #options: ServiceHealthOptions;
  /** By family and Service. */
  readonly #open = new Map<string, OpenService>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: ServiceHealthOptions) {
    this.#options = options;
  }

  /**
   * Makes the given state true for one family, after every successful sync. A Service whose port cannot be had on all
   * addresses is not served at all, and tried again with the next call. Calls are carried out one after the other.
   */
  sync(family: IpFamily, state: ServiceHealthState): Promise<void> {
    const done = this.#last.then(() => this.#sync(family, state));
    this.#last = done.catch(() => {});
    return done;
  }

  /** Closes all ports. */
  async close(): Promise<void> {
    await this.#last;
    await Promise.all([...this.#open.keys()].map((key) => this.#close(key)));
  }

  async #sync(family: IpFamily, state: ServiceHealthState): Promise<void> {
    const addresses = addressesOf(family, state.addresses);
    const closing: Promise<void>[] = [];
    for (const [key, open] of this.#open) {
      if (!key.startsWith(`${family} `)) continue;
      const wanted = state.services.get(key.slice(family.length + 1));
      if (wanted?.port === open.port && sameAddresses(open.addresses, addresses)) continue;
      closing.push(this.#close(key));
    }
    for (const [service, { port, localEndpoints }] of state.services) {
      const open = this.#open.get(`${family} ${service}`);
      if (open === undefined) await this.#openService({ family, service, port, addresses, localEndpoints });
      else open.localEndpoints = localEndpoints;
    }
    // Ports are free as soon as closing begins; connections may take a little longer, and nobody has to wait for them.
    await Promise.all(closing);
  }

  async #openService(
    target: ServiceHealthTarget & { family: IpFamily; service: ObjectName; addresses: readonly IpAddress[] },
  ) {
    const { family, service, port, addresses, localEndpoints } = target;
    const { clock, log, onListenFailure } = this.#options;
    const servers: HttpServer[] = [];
    const open: OpenService = { port, addresses, servers, localEndpoints };
    try {
      for (const host of addresses) {
        const server = new HttpServer({
          name: `health-check (${service})`,
          address: { host, port, singleFamily: true },
          handler: () => this.#reply(service, open.localEndpoints),
          clock,
          log,
          whenUnavailable: 'fail',
        });
        await server.start();
        servers.push(server);
      }
      this.#open.set(`${family} ${service}`, open);
    } catch (thrown) {
      await Promise.all(servers.map((server) => server.close()));
      onListenFailure(service, port, toSluiceError(thrown));
    }
  }

  async #close(key: string): Promise<void> {
    const open = this.#open.get(key);
    this.#open.delete(key);
    await Promise.all((open?.servers ?? []).map((server) => server.close()));
  }

  #reply(service: ObjectName, localEndpoints: number): HttpReply {
    const inStep = this.#options.inStep();
    const slash = service.indexOf('/');
    const body = {
      service: { namespace: service.slice(0, slash), name: service.slice(slash + 1) },
      localEndpoints,
      serviceProxyHealthy: inStep,
    };
    return {
      status: localEndpoints > 0 && inStep ? 200 : 503,
      contentType: 'application/json',
      body: JSON.stringify(body, undefined, '\t'),
      headers: { ...NO_SNIFF, 'X-Load-Balancing-Endpoint-Weight': String(localEndpoints) },
    };
  }
}

function addressesOf(family: IpFamily, addresses: ServiceHealthState['addresses']): readonly IpAddress[] {
  if (addresses !== 'all') return addresses;
  const any = parseIpAddress(ANY[family]);
  return any === undefined ? [] : [any];
}

function sameAddresses(a: readonly IpAddress[], b: readonly IpAddress[]): boolean {
  return a.length === b.length && a.every((address) => b.includes(address));
}
