import { parseIpAddress, socketAddress } from '../../model/address.ts';
import type { FrontendSummary } from '../contract.ts';
import type { RuleSet } from '../rules.ts';
import type { Table } from '../xtables/names.ts';
import { objectId, splitObjectId } from '../xtables/names.ts';
import { CHAINS } from './names.ts';

const SERVICE_TARGET = /^KUBE-(?:SVC|SVL|EXT|FW)-[A-Z2-7]{16}$/;
const FIREWALL_TARGET = /^KUBE-FW-[A-Z2-7]{16}$/;
const NODE_PORT_CHAIN = /^KUBE-(?:NODEPORTS|EXT-NP-\d+-\d+)$/;
const HEALTH_CHECK_CHAIN = /^KUBE-(?:NODEPORTS|EXT-HC-\d+-\d+)$/;
const HOST = / -d (\S+)\/(?:32|128) /;
const EXACT_PORT = / --dport (\d+) /;
const PROTOCOL = / -p (\S+) /;
const SOURCE = / -s (\S+) /;
const TARGET = / -j (\S+) /;
const COMMENT = / --comment "([^"]*)" /;
const TO_DESTINATION = / --to-destination (\S+) /;

/** The words that follow a Service's name in a comment. */
const SUFFIX = /^(.*?)(?: has no (local )?endpoints)?(?: \(?(cluster IP|external IP|loadbalancer IP)\)?)?$/;

const KIND_OF_WORDS: Readonly<Record<string, string>> = {
  'cluster IP': 'ClusterIP',
  'external IP': 'ExternalIP',
  'loadbalancer IP': 'LoadBalancer',
};

interface Entry {
  readonly service?: string;
  readonly kind: string;
  readonly destination: string;
  readonly protocol: string;
  readonly endpoints: readonly string[];
  readonly notes: string[];
}

/** What the rules serve, read from nothing but the rules; kube-proxy's rules can be read as well. */
export function summarizeIptables(rules: RuleSet): readonly FrontendSummary[] {
  const entries = new Map<string, Entry>();
  const endpoints = new EndpointFinder(rules);
  for (const place of linesOf(rules, 'nat')) addServed(entries, endpoints, place);
  for (const place of linesOf(rules, 'filter')) addRefused(entries, place);
  const order = (entry: Entry): string => `${entry.destination} ${entry.protocol}`;
  return [...entries.values()].toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

interface Place {
  readonly id: string;
  /** With a blank at both ends. */
  readonly line: string;
}

function linesOf(rules: RuleSet, table: Table): readonly Place[] {
  return [...rules]
    .filter(([id]) => splitObjectId(id).table === table)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, object]) => (object.ordered ? object.lines.map((line) => ({ id, line: ` ${line} ` })) : []));
}

/** The destination that a rule is about, as a key and in parts. */
function destinationOf({ id, line }: Place): { readonly destination: string; readonly protocol: string } | undefined {
  const protocol = PROTOCOL.exec(line)?.[1];
  const port = EXACT_PORT.exec(line)?.[1];
  if (protocol === undefined || port === undefined) return undefined;
  const host = HOST.exec(line)?.[1];
  const address = host === undefined ? undefined : parseIpAddress(host);
  if (address !== undefined) return { destination: socketAddress(address, Number(port)), protocol };
  const forNodePorts = NODE_PORT_CHAIN.test(splitObjectId(id).chain) || line.includes(' --dst-type LOCAL ');
  return forNodePorts ? { destination: `*:${port}`, protocol } : undefined;
}

function addServed(entries: Map<string, Entry>, endpoints: EndpointFinder, place: Place): void {
  const target = TARGET.exec(place.line)?.[1] ?? '';
  const found = SERVICE_TARGET.test(target) ? destinationOf(place) : undefined;
  if (found === undefined) return;
  const sources = FIREWALL_TARGET.test(target) ? endpoints.sourcesOf(target) : undefined;
  const key = `${found.destination} ${found.protocol}`;
  if (entries.has(key)) return;
  entries.set(key, {
    ...nameAndKind(place.line, found.destination),
    ...found,
    endpoints: endpoints.behind(target),
    notes: [
      ...(sources === undefined ? [] : [`only from ${sources.join(', ') || 'nobody'}`]),
      ...(endpoints.dependsOnSource(target) ? ['local endpoints only from outside'] : []),
    ],
  });
}

function addRefused(entries: Map<string, Entry>, place: Place): void {
  const { chain } = splitObjectId(place.id);
  if (HEALTH_CHECK_CHAIN.test(chain) || chain === CHAINS.proxyFirewall || chain.startsWith('KUBE-FW-')) return;
  const target = TARGET.exec(place.line)?.[1];
  const found = target === 'REJECT' || target === 'DROP' ? destinationOf(place) : undefined;
  if (found === undefined) return;
  const verb = target === 'REJECT' ? 'reject' : 'drop';
  const key = `${found.destination} ${found.protocol}`;
  const served = entries.get(key);
  if (served !== undefined) {
    served.notes.push(`${verb} from outside`);
    return;
  }
  const named = nameAndKind(place.line, found.destination);
  const kind = chain === CHAINS.services || chain.startsWith('KUBE-SVC-') ? 'ClusterIP' : named.kind;
  entries.set(key, { ...named, kind, ...found, endpoints: [], notes: [verb] });
}

function nameAndKind(line: string, destination: string): { readonly service?: string; readonly kind: string } {
  const [, service, , words = ''] = SUFFIX.exec(COMMENT.exec(line)?.[1] ?? '') ?? [];
  const kind = KIND_OF_WORDS[words] ?? (destination.startsWith('*:') ? 'NodePort' : 'ExternalIP');
  return service === undefined || service === '' ? { kind } : { service, kind };
}

/** Follows jumps from chain to chain. */
class EndpointFinder {
  readonly #rules: RuleSet;
  readonly #known = new Map<string, readonly string[]>();

  constructor(rules: RuleSet) {
    this.#rules = rules;
  }

  behind(chain: string): readonly string[] {
    const known = this.#known.get(chain);
    if (known !== undefined) return known;
    const found = new Set<string>();
    this.#collect(chain, { found, seen: new Set() });
    const sorted = [...found].toSorted();
    this.#known.set(chain, sorted);
    return sorted;
  }

  sourcesOf(chain: string): readonly string[] {
    return this.#lines(chain).flatMap((line) => SOURCE.exec(line)?.[1] ?? []);
  }

  /** Does the way behind the chain lead to all endpoints for some clients, and to local ones for others? */
  dependsOnSource(chain: string): boolean {
    const targets = this.#lines(chain).flatMap((line) => TARGET.exec(line)?.[1] ?? []);
    const leadsTo = (prefix: string): boolean => targets.some((target) => target.startsWith(prefix));
    if (leadsTo('KUBE-SVC-') && leadsTo('KUBE-SVL-')) return true;
    return targets.some((target) => target.startsWith('KUBE-EXT-') && this.dependsOnSource(target));
  }

  #collect(chain: string, walk: { readonly found: Set<string>; readonly seen: Set<string> }): void {
    if (walk.seen.has(chain)) return;
    walk.seen.add(chain);
    for (const line of this.#lines(chain)) {
      const destination = TO_DESTINATION.exec(line)?.[1];
      if (destination !== undefined) walk.found.add(destination);
      const target = TARGET.exec(line)?.[1];
      if (target?.startsWith('KUBE-') === true) this.#collect(target, walk);
    }
  }

  #lines(chain: string): readonly string[] {
    const object = this.#rules.get(objectId('nat', chain));
    return object?.ordered === true ? object.lines.map((line) => ` ${line} `) : [];
  }
}
