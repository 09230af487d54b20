import type { IpAddress, IpFamily } from '../../model/address.ts';
import { parseIpAddress, socketAddress } from '../../model/address.ts';
import type { FrontendSummary } from '../contract.ts';
import { PersistentMap } from '../../base/persistent-map.ts';
import type { ObjectId, RuleSet } from '../rules.ts';
import type { SetName } from './names.ts';
import { parseServerKey, SET_NAMES, setId, shortCutKey, VIRTUAL_SERVERS } from './names.ts';
import { splitServer } from './servers.ts';

/** What the rules serve, read from nothing but the rules; what kube-proxy left can be read as well, but names no Services. */
export function summarizeIpvs(rules: RuleSet): readonly FrontendSummary[] {
  const family = SET_NAMES.some((name) => rules.has(setId('IPv6', name))) ? 'IPv6' : 'IPv4';
  const reader = new Reader(rules, family);
  const summaries = new Map<string, FrontendSummary>();
  for (const destination of reader.destinations()) {
    const summary = reader.summarize(destination);
    // A NodePort has a virtual server at each address of the node, all alike.
    summaries.set(`${summary.destination} ${summary.protocol}`, summary);
  }
  return [...summaries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, summary]) => summary);
}

const COMMENT = /^comment "(.*)"$/;

const NO_MEMBERS = PersistentMap.empty<readonly string[]>();

interface Destination {
  /** As in ipsets. */
  readonly key: string;
  readonly protocol: string;
  readonly address: IpAddress;
  readonly port: number;
  /** Of the virtual server; `undefined` when there is none. */
  readonly lines: readonly string[] | undefined;
}

class Reader {
  readonly #rules: RuleSet;
  readonly #family: IpFamily;
  readonly #sources = new Map<string, string[]>();

  constructor(rules: RuleSet, family: IpFamily) {
    this.#rules = rules;
    this.#family = family;
    for (const entry of [...this.#entries('sourceCidr'), ...this.#entries('sourceIp')]) {
      const comma = entry.lastIndexOf(',');
      const sources = this.#sources.get(entry.slice(0, comma)) ?? [];
      this.#sources.set(entry.slice(0, comma), [...sources, entry.slice(comma + 1)]);
    }
  }

  /** Those with a virtual server, and those where everything is dropped. */
  *destinations(): Generator<Destination> {
    for (const [key, lines] of this.#members(VIRTUAL_SERVERS)) {
      const server = parseServerKey(key);
      if (server === undefined || 'mark' in server) continue;
      yield { key: `${server.address},${server.protocol}:${server.port}`, ...server, lines };
    }
    for (const key of this.#entries('drop')) {
      const [, host = '', protocol = '', port] = /^([^,]+),(\w+):(\d+)$/.exec(key) ?? [];
      const address = parseIpAddress(host);
      if (address !== undefined) yield { key, protocol, address, port: Number(port), lines: undefined };
    }
  }

  summarize({ key, protocol, address, port, lines }: Destination): FrontendSummary {
    const kind = this.#kindOf(key);
    const service = COMMENT.exec(this.#data('names', key) ?? '')?.[1];
    const shortCut = this.#shortCutOf(key);
    const endpoints = [...splitServer(lines ?? []).destinations.keys()];
    const notes = [
      ...(this.#has('firewall', key) ? [`only from ${this.#sources.get(key)?.toSorted().join(', ') ?? 'nobody'}`] : []),
      ...(lines === undefined ? ['drop'] : endpoints.length === 0 ? ['reject'] : []),
      ...(this.#has('dropOutside', key) ? ['drop from outside'] : []),
      ...(shortCut.length > 0 ? ['local endpoints only from outside'] : []),
    ];
    return {
      ...(service === undefined ? {} : { service }),
      kind,
      destination: kind === 'NodePort' ? `*:${port}` : socketAddress(address, port),
      protocol,
      endpoints: [...new Set([...endpoints, ...shortCut])].toSorted(),
      notes,
    };
  }

  #kindOf(key: string): string {
    if (this.#has('clusterIp', key)) return 'ClusterIP';
    if (this.#has('loadBalancer', key)) return 'LoadBalancer';
    return this.#has('externalIp', key) || this.#has('externalIpLocal', key) ? 'ExternalIP' : 'NodePort';
  }

  /** Where pods and the node get to, if not to the same endpoints. */
  #shortCutOf(key: string): readonly string[] {
    const name = COMMENT.exec(this.#data('shortCut', key) ?? '')?.[1];
    if (name === undefined) return [];
    const lines = this.#members(VIRTUAL_SERVERS).get(shortCutKey(name));
    return [...splitServer(lines ?? []).destinations.keys()];
  }

  #has(set: SetName, key: string): boolean {
    return this.#members(setId(this.#family, set)).has(key);
  }

  #data(set: SetName, key: string): string | undefined {
    return this.#members(setId(this.#family, set)).get(key)?.[0];
  }

  #entries(set: SetName): readonly string[] {
    return [...this.#members(setId(this.#family, set)).keys()];
  }

  #members(id: ObjectId) {
    const object = this.#rules.get(id);
    return object === undefined || object.ordered ? NO_MEMBERS : object.members;
  }
}
