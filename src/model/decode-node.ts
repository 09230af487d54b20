import type { IpAddress } from './address.ts';
import { parseCidr, parseIpAddress } from './address.ts';
import type { Decoded, Field } from './fields.ts';
import { decodeObject } from './fields.ts';
import type { NodeInfo } from './node.ts';
import { isDnsSubdomain, labelOf, readName } from './object.ts';

/** What a Node object says of a {@link NodeInfo}; the rest only the machine itself knows. */
export interface NodeFacts extends Omit<NodeInfo, 'interfaceAddresses'> {
  /** Why the node is about to go, so that load balancers should send nothing new to it; absent when it stays. */
  readonly leaving?: 'deletion' | 'scale-down';
}

const ZONE_LABEL = 'topology.kubernetes.io/zone';

/** The taint, whatever its effect, that the cluster autoscaler marks nodes with before it removes them. */
const SCALE_DOWN_TAINT = 'ToBeDeletedByClusterAutoscaler';

/** The address types that count, the preferred first. */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP'] as const;

/** Node v1, untyped. */
export function decodeNode(json: unknown, origin?: string): Decoded<NodeFacts> {
  return decodeObject(
    json,
    () => labelOf(json, 'Node', origin),
    (root) => {
      const zone = root.at('metadata', 'labels', ZONE_LABEL).string() ?? '';
      const cidrs = root.at('spec', 'podCIDRs');
      const cidrFields = cidrs.items().length > 0 ? cidrs.items() : [root.at('spec', 'podCIDR')];
      const leaving = readLeaving(root);
      return {
        name: readName(root, isDnsSubdomain),
        addresses: readAddresses(root.at('status', 'addresses')),
        ...(zone === '' ? {} : { zone }),
        ...(leaving === undefined ? {} : { leaving }),
        podCidrs: unique(cidrFields.map((item) => item.attempt((field) => field.parsed(parseCidr, 'a network')))),
      };
    },
  );
}

function readLeaving(root: Field): NodeFacts['leaving'] {
  if (root.at('metadata', 'deletionTimestamp').present) return 'deletion';
  const keys = root.at('spec', 'taints').attempt((list) => list.items().map((taint) => taint.get('key').string()));
  return keys?.includes(SCALE_DOWN_TAINT) === true ? 'scale-down' : undefined;
}

function readAddresses(list: Field): readonly IpAddress[] {
  const entries = list.items().map((item) =>
    item.attempt((entry) => {
      const type = entry.get('type').string();
      const counts = ADDRESS_TYPES.some((known) => known === type);
      return counts ? { type, address: entry.get('address').parsed(parseIpAddress, 'an IP address') } : undefined;
    }),
  );
  return unique(
    ADDRESS_TYPES.flatMap((type) => entries.filter((entry) => entry?.type === type).map((entry) => entry?.address)),
  );
}

function unique<T>(items: readonly (T | undefined)[]): readonly T[] {
  return [...new Set(items.filter((item) => item !== undefined))];
}
