import type { ObjectEvent } from '../model/store.ts';

/** How large a made-up cluster is, and of what kind. */
export interface SyntheticOptions {
  readonly services: number;
  readonly endpointsPerService: number;
  /** Endpoints are spread over this many nodes, `node-0` and on. Default 100. */
  readonly nodes?: number;
  /** Every so many Services one has a NodePort (as long as there are some left of 30000 to 32767); 0 means none. Default 0. */
  readonly nodePortEvery?: number;
  /** Another seed spreads the endpoints over the nodes in another way. Default 1. */
  readonly seed?: number;
}

/** A made-up cluster, made on demand: the same options give the same objects. Services are called by number from 0. */
export interface Synthetic {
  /** Service `load/svc-<index>`: TCP port 80 called `http`, with its own ClusterIP out of 10.96.0.0/12. */
  service(index: number): ObjectEvent;
  /**
   * Its one EndpointSlice, with pods out of 10.128.0.0/9. Every generation differs from the one before in the address of
   * one endpoint, which is what a rolling update looks like to a proxy.
   */
  slice(index: number, generation?: number): ObjectEvent;
  /**
   * One of the slices of a Service that has more endpoints than a slice holds, with its first `endpoints` of at most
   * {@link SLICE_SIZE}. No more than one Service may be given such.
   */
  part(index: number, part: number, endpoints: number): ObjectEvent;
  /** All Services, each followed by its slice. */
  events(): Generator<ObjectEvent>;
}

/** As many endpoints as the EndpointSlice controller puts into one slice. */
export const SLICE_SIZE = 100;

const NAMESPACE = 'load';
const SERVICE_NETWORK = ipNumber(10, 96);
/** The one before is that of default/kubernetes in every cluster. */
const FIRST_SERVICE = SERVICE_NETWORK + 2;
const SERVICE_NETWORK_SIZE = 2 ** 20;
const POD_NETWORK = ipNumber(10, 128);
/** Half of the pod network is for endpoints, the other for their replacements. */
const PODS = 2 ** 22;
const FIRST_NODE_PORT = 30_000;
const NODE_PORTS = 2768;
const TARGET_PORT = 8080;

/** @throws {RangeError} when the networks have not enough addresses for so many. */
export function createSynthetic(options: SyntheticOptions): Synthetic {
  const { services, endpointsPerService, nodes = 100, nodePortEvery = 0, seed = 1 } = options;
  if (FIRST_SERVICE + services > SERVICE_NETWORK + SERVICE_NETWORK_SIZE || services * endpointsPerService >= PODS) {
    throw new RangeError(`no addresses for ${services} Services with ${endpointsPerService} endpoints each`);
  }
  const service = (index: number) => serviceEvent(index, nodePortEvery);
  const slice = (index: number, generation = 0) => {
    const endpoints = Array.from({ length: endpointsPerService }, (_, slot) => {
      const pod = index * endpointsPerService + slot;
      const moved = movesOf(slot, { generation, slots: endpointsPerService }) % 2 === 1;
      return endpoint(pod + (moved ? PODS : 0), mix(pod ^ scatter(seed)) % nodes);
    });
    return sliceEvent(index, endpoints);
  };
  // From the other end of the network, where nobody else's are.
  const part = (index: number, nth: number, size: number) =>
    sliceEvent(
      index,
      Array.from({ length: size }, (_, slot) => {
        const pod = PODS - 1 - nth * SLICE_SIZE - slot;
        return endpoint(pod, mix(pod ^ scatter(seed)) % nodes);
      }),
      nth,
    );
  return {
    service,
    slice,
    part,
    *events() {
      for (let index = 0; index < services; index++) {
        yield service(index);
        yield slice(index);
      }
    },
  };
}

/** How often the endpoint of a slot was replaced up to a generation: one slot each, in turn. */
function movesOf(slot: number, { generation, slots }: { generation: number; slots: number }): number {
  return Math.max(0, Math.ceil((generation - slot) / slots));
}

function scatter(seed: number): number {
  return Math.imul(seed, 0x9e3779b1) >>> 0;
}

/** Spreads neighbouring numbers over all of 32 bits. */
function mix(number: number): number {
  let bits = Math.imul(number ^ (number >>> 16), 0x45d9f3b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x45d9f3b);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function serviceEvent(index: number, nodePortEvery: number): ObjectEvent {
  const nth = nodePortEvery > 0 && index % nodePortEvery === 0 ? index / nodePortEvery : NODE_PORTS;
  const nodePort = nth < NODE_PORTS ? FIRST_NODE_PORT + nth : undefined;
  const clusterIP = ipText(FIRST_SERVICE + index);
  const port = { name: 'http', protocol: 'TCP', port: 80, targetPort: TARGET_PORT };
  const json = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: NAMESPACE, name: `svc-${index}` },
    spec: {
      type: nodePort === undefined ? 'ClusterIP' : 'NodePort',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ports: [nodePort === undefined ? port : { ...port, nodePort }],
      selector: { app: `svc-${index}` },
    },
  };
  return { kind: 'Service', name: `${NAMESPACE}/svc-${index}`, json };
}

function sliceEvent(index: number, endpoints: readonly unknown[], part = 0): ObjectEvent {
  const name = `svc-${index}-${part}`;
  const json = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: NAMESPACE, name, labels: { 'kubernetes.io/service-name': `svc-${index}` } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: TARGET_PORT }],
    endpoints,
  };
  return { kind: 'EndpointSlice', name: `${NAMESPACE}/${name}`, json };
}

function endpoint(pod: number, node: number): unknown {
  return {
    addresses: [ipText(POD_NETWORK + pod)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${node}`,
  };
}

function ipNumber(a: number, b: number): number {
  return a * 2 ** 24 + b * 2 ** 16;
}

function ipText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}
