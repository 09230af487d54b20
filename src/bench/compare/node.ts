import { systemRunner } from '../../kernel/command.ts';
import { ipBatch } from '../../lab/network.ts';
import { startTcpServer } from '../tcp-server.ts';
import { ENDPOINTS, NODE_ADDRESS, TARGET_PORT } from './workload.ts';

/** Where the API server is, seen from the node as on a network. */
export const API_ADDRESS = '10.201.0.1';

const GATEWAY = '172.18.0.1';

/** The network namespace of the contender whose turn it is. */
export const NETNS = 'node';

/**
 * What is beyond the node: API server and endpoints, and somebody who refuses connections to ClusterIPs that no rule has claimed, so
 * that a Service that is not there is noticed at once.
 */
const SURROUNDINGS = [
  ...[API_ADDRESS, ...ENDPOINTS].map((address) => `addr add ${address}/32 dev lo`),
  'route add local 10.96.0.0/12 dev lo',
];

const ADD_NODE = [
  `netns add ${NETNS}`,
  `link add to-node type veth peer name eth0 netns ${NETNS}`,
  `addr add ${GATEWAY}/24 dev to-node`,
  'link set to-node up',
];

const INSIDE_NODE = [
  'link set lo up',
  `addr add ${NODE_ADDRESS}/24 dev eth0`,
  'link set eth0 up',
  `route add default via ${GATEWAY}`,
];

/** Makes this process's namespace, which must be a private one, what is around the node. @returns what takes it down. */
export async function openSurroundings(): Promise<{ stop(): Promise<void> }> {
  await ipBatch(systemRunner, SURROUNDINGS);
  const servers = await Promise.all(
    ENDPOINTS.map((address) =>
      startTcpServer({ name: `endpoint ${address}`, address, port: TARGET_PORT, greeting: address }),
    ),
  );
  return {
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

/** A node without rules, in a namespace of its own, for as long as `use` takes. One at a time. */
export async function withNode<T>(use: () => Promise<T>): Promise<T> {
  await ipBatch(systemRunner, ADD_NODE);
  try {
    await ipBatch(systemRunner, INSIDE_NODE, NETNS);
    return await use();
  } finally {
    await ipBatch(systemRunner, [`netns del ${NETNS}`]);
    // The link goes with the namespace, though not at once.
    await systemRunner.run('ip', ['link', 'del', 'to-node']);
  }
}
