import type { IpAddress } from './address.ts';

/** One backend of a service port: `addresses[0]` of an EndpointSlice endpoint with the port of its slice. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
  /** Absent for endpoints that are not on a node of the cluster; those are never local. */
  readonly nodeName?: string;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Topology hints (`hints.forZones`, `hints.forNodes`); empty when the controller gave none. */
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
}
