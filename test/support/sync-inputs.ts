import type { SyncInputs } from '../../src/applier/family-state.ts';
import { assemble } from '../../src/backend/assembly.ts';
import { nftSpelling } from '../../src/backend/nft/render.ts';
import type { RuleSet } from '../../src/backend/rules.ts';
import { compile } from '../../src/compiler/compile.ts';
import type { IpFamily } from '../../src/model/address.ts';
import type { Member } from './cluster.ts';
import { endpoint, NODE, servicePort, SETTINGS, snapshotOf } from './cluster.ts';
import { ip } from './plans.ts';

/** An endpoint that has this in its address is one that the kernel will not have, once a {@link FakeDriver} is told so. */
export const BAD = /\b10\.66\.|fd00:66::/;

export const BAD_ENDPOINT = '10.66.0.1';

/** Service `default/svc-<n>` in both families, with these endpoints; its key is `default/svc-<n>:http/tcp`. */
function member(n: number, endpoints: readonly string[]): Member {
  const clusterIps = [ip(`10.96.0.${n}`), ip(`fd00:96::${n}`)];
  return [servicePort({ service: `default/svc-${n}`, clusterIps }), endpoints.map((address) => endpoint(address))];
}

export function keyOf(n: number): string {
  return `default/svc-${n}:http/tcp`;
}

/** What a sync is given for a cluster of these Services: endpoints by number. */
export function inputsFor(services: Readonly<Record<number, readonly string[]>>): SyncInputs {
  const members = Object.entries(services).map(([n, endpoints]) => member(Number(n), endpoints));
  return { snapshot: snapshotOf(members), node: NODE, settings: SETTINGS };
}

/** The rules that these inputs should end in, computed from nothing. */
export function rulesFor(inputs: SyncInputs, family: IpFamily = 'IPv4'): RuleSet {
  return assemble(nftSpelling, compile({ ...inputs, family }).plan).rules;
}
