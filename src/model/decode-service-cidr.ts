import type { Cidr } from './address.ts';
import { parseCidr } from './address.ts';
import type { Decoded } from './fields.ts';
import { decodeObject } from './fields.ts';
import { isDnsSubdomain, labelOf, readName } from './object.ts';

/** ServiceCIDR networking.k8s.io/v1 (or v1beta1, which is the same), untyped: the networks that ClusterIPs come from. */
export function decodeServiceCidr(json: unknown, origin?: string): Decoded<readonly Cidr[]> {
  return decodeObject(
    json,
    () => labelOf(json, 'ServiceCIDR', origin),
    (root) => {
      readName(root, isDnsSubdomain);
      const items = root.at('spec', 'cidrs').items();
      const cidrs = items.map((item) => item.attempt((field) => field.parsed(parseCidr, 'a network')));
      return cidrs.filter((cidr) => cidr !== undefined);
    },
  );
}
