import type { Frontend, Origin, Plan, ServicePlan } from '../compiler/plan.ts';
import { destinationOf } from '../compiler/ownership.ts';
import type { IpAddress } from '../model/address.ts';
import { cidrContains, socketAddress } from '../model/address.ts';
import type { Protocol } from '../model/service.ts';

/** One sender and one destination, and what the plan says must happen. */
export interface Expectation {
  readonly service: string;
  /** Shared by all rows of one frontend, for the table. */
  readonly frontend: string;
  readonly origin: Origin;
  readonly protocol: Exclude<Protocol, 'sctp'>;
  readonly address: IpAddress;
  readonly port: number;
  readonly result:
    | { readonly kind: 'reply'; readonly endpoints: readonly string[]; readonly masquerade: boolean }
    | { readonly kind: 'refused' }
    | { readonly kind: 'dropped' };
}

/** Where the senders are, for source ranges and NodePorts. */
export interface Senders {
  readonly nodeAddress: IpAddress;
  readonly addresses: Readonly<Record<Origin, IpAddress>>;
}

const ORIGINS: readonly Origin[] = ['pod', 'node', 'outside'];

const KIND_NAMES = {
  'cluster-ip': 'ClusterIP',
  'external-ip': 'ExternalIP',
  'load-balancer': 'LoadBalancer',
  'node-port': 'NodePort',
} as const satisfies Record<Frontend['kind'], string>;

/** Every frontend of the plan from every origin; SCTP is left out, because few kernels can send it. */
export function expectationsOf(plan: Plan, senders: Senders): readonly Expectation[] {
  const services = [...plan.services.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  return services.flatMap((service) => service.frontends.flatMap((frontend) => ofFrontend(service, frontend, senders)));
}

function ofFrontend(service: ServicePlan, frontend: Frontend, senders: Senders): readonly Expectation[] {
  const { protocol } = service;
  if (protocol === 'sctp') return [];
  return ORIGINS.map((origin) => ({
    service: service.name,
    frontend: `${KIND_NAMES[frontend.kind]} ${destinationOf(service, frontend)}`,
    origin,
    protocol,
    address: frontend.kind === 'node-port' ? senders.nodeAddress : frontend.address,
    port: frontend.port,
    result: resultOf(service, frontend, { origin, source: senders.addresses[origin] }),
  }));
}

function resultOf(
  service: ServicePlan,
  frontend: Frontend,
  from: { origin: Origin; source: IpAddress },
): Expectation['result'] {
  const allowed = frontend.kind === 'node-port' ? undefined : frontend.allowedSources;
  if (allowed !== undefined && !allowed.some((cidr) => cidrContains(cidr, from.source))) return { kind: 'dropped' };
  const action = frontend.verdict[from.origin];
  switch (action.kind) {
    case 'reject':
      return { kind: 'refused' };
    case 'drop':
      return { kind: 'dropped' };
    case 'forward': {
      const endpoints = service.pools[action.pool].map(({ address, port }) => socketAddress(address, port));
      return { kind: 'reply', endpoints, masquerade: action.masquerade };
    }
  }
}
