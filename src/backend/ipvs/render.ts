import type { ObjectShape, Spelling } from '../assembly.ts';
import type { BackendSettings, IpvsSettings } from '../contract.ts';
import type { IpFamily } from '../../model/address.ts';
import type { ObjectId } from '../rules.ts';
import { chainShape } from '../xtables/chains.ts';
import { baseRules } from './base.ts';
import { ADDRESSES, SET_NAMES, setDefinition, setId, SETS, VIRTUAL_SERVERS } from './names.ts';
import { serviceRules } from './service.ts';

/** kube-proxy's defaults. */
export const DEFAULT_IPVS: IpvsSettings = {
  scheduler: 'rr',
  excludeCidrs: [],
  strictArp: false,
  timeoutsS: { tcp: 0, tcpFin: 0, udp: 0 },
};

function shapeOf(family: IpFamily, id: ObjectId): ObjectShape {
  if (id === VIRTUAL_SERVERS || id === ADDRESSES) return { ordered: false, definition: '' };
  const set = SET_NAMES.find((name) => setId(family, name) === id);
  return set === undefined ? chainShape(id) : { ordered: false, definition: setDefinition(family, SETS[set]) };
}

/** Virtual servers, addresses and entries of ipsets, and a fixed set of rules that read those (README.md). */
export function ipvsSpelling({ masqueradeBit, ipvs = DEFAULT_IPVS }: BackendSettings): Spelling {
  return {
    shape: shapeOf,
    base: (plan) => baseRules(plan, masqueradeBit),
    service: (service, plan) => serviceRules(service, plan, ipvs.scheduler),
  };
}
