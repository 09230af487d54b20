import { PersistentMap } from '../../base/persistent-map.ts';
import type { ServicePlan } from '../../compiler/plan.ts';
import { PROTOCOLS } from '../../model/service.ts';
import type { ServicePortKey } from '../../model/service.ts';
import type { RuleObject, RuleSet } from '../rules.ts';
import type { PlaceKind } from './names.ts';
import { chainId, POOL_MAPS, SETS, setId } from './names.ts';

/** Sets that say in comments whose a destination is. */
const NAMED: readonly (readonly [set: string, at: PlaceKind])[] = [
  [SETS.serviceIps, 'ip'],
  [SETS.serviceIpsOutside, 'ip'],
  [SETS.noEndpoints, 'ip'],
  [SETS.serviceNodePorts, 'nodeport'],
  [SETS.serviceNodePortsOutside, 'nodeport'],
  [SETS.noEndpointsNodePorts, 'nodeport'],
];

/** The others with the same keys. */
const UNNAMED = [SETS.masqueradeIps, SETS.masqueradeNodePorts, SETS.firewalled];

const COMMENT = /^comment "(\S+) ([^"]*)"/;
const REFERENCES = /(?:goto (\S+?)(?=[,\s]|$))|(?:@(clients-\S+))/g;

/** Where a chain of a Service with affinity ends. */
const ENDPOINT = / dnat to \[?([0-9a-f.:]+?)\]?:\d+$/;

/** `10.96.0.1 . tcp . 80`, or `tcp . 30080` for a NodePort. */
interface Destination {
  readonly key: string;
  readonly at: PlaceKind;
  /** What the comment says, `cluster IP`. */
  readonly kind: string;
}

/** See `Spelling.traces` (of names that are cut off in comments there are none): the elements of every destination that has the Service's name, and what they lead to. */
export function tracesOf(services: readonly ServicePlan[], kernel: RuleSet): ReadonlyMap<ServicePortKey, RuleSet> {
  const byName = destinationsByName(kernel);
  const traces = new Map<ServicePortKey, RuleSet>();
  for (const service of services) {
    const destinations = byName.get(service.name) ?? [];
    if (destinations.length === 0) continue;
    const collector = new Collector(kernel);
    for (const destination of destinations) collector.addDestination(destination);
    traces.set(service.key, collector.finish());
  }
  return traces;
}

function destinationsByName(kernel: RuleSet): ReadonlyMap<string, readonly Destination[]> {
  const found = new Map<string, Destination[]>();
  for (const [set, at] of NAMED) {
    const object = kernel.get(setId(set));
    if (object === undefined || object.ordered) continue;
    object.members.forEach(([line = ''], key) => {
      const [, name, kind = ''] = COMMENT.exec(line) ?? [];
      if (name === undefined) return;
      const known = found.get(name);
      if (known === undefined) found.set(name, [{ key, at, kind }]);
      else known.push({ key, at, kind });
    });
  }
  return found;
}

/** Gathers parts of the kernel's rules. */
class Collector {
  readonly #kernel: RuleSet;
  readonly #objects = new Map<string, RuleObject>();

  constructor(kernel: RuleSet) {
    this.#kernel = kernel;
  }

  addDestination({ key, at, kind }: Destination): void {
    for (const [set] of NAMED) this.#addMember(set, key);
    for (const set of UNNAMED) this.#addMember(set, key);
    const parts = key.split(' . ');
    const protocol = PROTOCOLS.find((one) => parts.includes(one));
    const poolKey = parts.filter((part) => part !== protocol).join(' . ');
    for (const pool of POOL_MAPS.values()) {
      if (pool.protocol === protocol && pool.at === at) this.#addPool(pool.name, poolKey);
    }
    if (at === 'nodeport') return;
    if (kind === 'cluster IP') this.#addMember(SETS.clusterIps, parts[0] ?? '');
    const sources = this.#kernel.get(setId(SETS.allowedSources));
    if (sources?.ordered !== false || !this.#has(SETS.firewalled, key)) return;
    for (const source of sources.members.keys()) {
      if (source.startsWith(`${key} . `)) this.#addMember(SETS.allowedSources, source);
    }
  }

  finish(): RuleSet {
    return PersistentMap.of(this.#objects);
  }

  #has(set: string, key: string): boolean {
    const object = this.#kernel.get(setId(set));
    return object?.ordered === false && object.members.has(key);
  }

  #addPool(map: string, key: string): void {
    for (const line of this.#addMember(map, key)) this.#addHairpin(line.slice(0, line.lastIndexOf(' . ')));
  }

  #addHairpin(address: string): void {
    this.#addMember(SETS.hairpin, `${address} . ${address}`);
  }

  /** @returns its lines. */
  #addMember(set: string, key: string): readonly string[] {
    const id = setId(set);
    const object = this.#kernel.get(id);
    const lines = object?.ordered === false ? object.members.get(key) : undefined;
    if (object?.ordered !== false || lines === undefined) return [];
    const known = this.#objects.get(id);
    const members = known?.ordered === false ? known.members : PersistentMap.empty<readonly string[]>();
    this.#objects.set(id, { ...object, members: members.set(key, lines) });
    this.#addReferences(lines);
    return lines;
  }

  /** Chains that these lines lead to, and the sets that those use. */
  #addReferences(lines: readonly string[]): void {
    for (const line of lines) {
      const endpoint = ENDPOINT.exec(line)?.[1];
      if (endpoint !== undefined) this.#addHairpin(endpoint);
      for (const [, chain, set] of line.matchAll(REFERENCES)) {
        const id = chain === undefined ? setId(set ?? '') : chainId(chain);
        const object = this.#kernel.get(id);
        if (object?.ordered !== true || this.#objects.has(id)) continue;
        this.#objects.set(id, object);
        this.#addReferences(object.lines);
      }
    }
  }
}
