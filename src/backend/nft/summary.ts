import { parseIpAddress, socketAddress } from '../../model/address.ts';
import type { FrontendSummary } from '../contract.ts';
import type { RuleSet, UnorderedRules } from '../rules.ts';
import type { PlaceKind } from './names.ts';
import { affinityChainPool, chainId, POOL_MAPS, SETS, setId } from './names.ts';

const COMMENT = /comment "([^" ]+) (cluster IP|external IP|loadbalancer IP|node port)"/;

const KIND_OF_WORDS: Readonly<Record<string, string>> = {
  'cluster IP': 'ClusterIP',
  'external IP': 'ExternalIP',
  'loadbalancer IP': 'LoadBalancer',
  'node port': 'NodePort',
};

interface Place {
  readonly verdicts: string;
  readonly outside: string;
  readonly at: PlaceKind;
  readonly noEndpoints: string;
}

const PLACES: readonly Place[] = [
  {
    verdicts: SETS.serviceIps,
    outside: SETS.serviceIpsOutside,
    at: 'ip',
    noEndpoints: SETS.noEndpoints,
  },
  {
    verdicts: SETS.serviceNodePorts,
    outside: SETS.serviceNodePortsOutside,
    at: 'nodeport',
    noEndpoints: SETS.noEndpointsNodePorts,
  },
];

/** What the rules serve, read from nothing but the rules. */
export function summarizeNft(rules: RuleSet): readonly FrontendSummary[] {
  return PLACES.flatMap((place) => {
    const verdicts = membersOf(rules, place.verdicts);
    const outside = membersOf(rules, place.outside);
    const served = [...(verdicts?.members ?? [])].map(([key, [line = '']]) =>
      summary(key, line, {
        endpoints: endpointsOf(rules, place, { key, lines: [line, outside?.members.get(key)?.[0] ?? ''] }),
        notes: notesOf(line, outside?.members.get(key)?.[0]),
      }),
    );
    const rejected = [...(membersOf(rules, place.noEndpoints)?.members ?? [])].map(([key, [line = '']]) =>
      summary(key, line, { endpoints: [], notes: ['reject'] }),
    );
    return [...served, ...rejected];
  }).sort((a, b) => (a.destination + a.protocol < b.destination + b.protocol ? -1 : 1));
}

function membersOf(rules: RuleSet, set: string): UnorderedRules | undefined {
  const object = rules.get(setId(set));
  return object === undefined || object.ordered ? undefined : object;
}

function summary(key: string, line: string, more: Pick<FrontendSummary, 'endpoints' | 'notes'>): FrontendSummary {
  const [, service, words = ''] = COMMENT.exec(line) ?? [];
  const parts = key.split(' . ');
  const [protocol = '', port = ''] = parts.slice(-2);
  const kind = KIND_OF_WORDS[words] ?? (parts.length === 2 ? 'NodePort' : 'Address');
  return {
    ...(service === undefined ? {} : { service }),
    kind,
    destination: parts.length === 2 ? `*:${port}` : spellSocket(parts[0] ?? '', port),
    protocol,
    ...more,
  };
}

function spellSocket(address: string, port: string): string {
  const parsed = parseIpAddress(address);
  return parsed === undefined ? `${address}:${port}` : socketAddress(parsed, Number(port));
}

function notesOf(line: string, outside: string | undefined): readonly string[] {
  const drops = (text: string): boolean => text.endsWith(': drop');
  if (drops(line)) return ['drop'];
  if (outside === undefined) return [];
  return [drops(outside) ? 'drop from outside' : 'local endpoints only from outside'];
}

function endpointsOf(rules: RuleSet, place: Place, at: { key: string; lines: readonly string[] }): readonly string[] {
  const parts = at.key.split(' . ');
  const protocol = parts.at(-2);
  const poolKey = [...parts.slice(0, -2), parts.at(-1)].join(' . ');
  const found = new Set<string>();
  for (const pool of POOL_MAPS.values()) {
    if (pool.at !== place.at || pool.protocol !== protocol) continue;
    for (const slot of membersOf(rules, pool.name)?.members.get(poolKey) ?? []) found.add(slot);
  }
  const spelled = new Set([...found].map((slot) => spellSocket(...(slot.split(' . ') as [string, string]))));
  for (const line of at.lines) for (const endpoint of affinityEndpoints(rules, line)) spelled.add(endpoint);
  return [...spelled].sort();
}

/** Endpoints of a Service with affinity: its chain leads to a chain per endpoint, which holds the address. */
function affinityEndpoints(rules: RuleSet, verdict: string): readonly string[] {
  const chain = /goto (\S+)$/.exec(verdict)?.[1] ?? '';
  const object = affinityChainPool(chain) === undefined ? undefined : rules.get(chainId(chain));
  if (object?.ordered !== true) return [];
  const targets = new Set(object.lines.join(' ').match(/endpoint-[a-z2-7]+/g));
  return [...targets].flatMap((target) => {
    const endpoint = rules.get(chainId(target));
    const dnat = endpoint?.ordered === true ? endpoint.lines.at(-1) : undefined;
    return dnat === undefined ? [] : [dnat.slice(dnat.lastIndexOf(' ') + 1)];
  });
}
