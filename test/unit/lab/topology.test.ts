import { describe, expect, test } from 'vitest';
import { planTopology } from '../../../src/lab/topology.ts';
import { cidrContains, IP_FAMILIES, parseCidr, parseIpAddress } from '../../../src/model/address.ts';

function within(cidr: string, address: string): boolean {
  const network = parseCidr(cidr);
  const inner = parseIpAddress(address);
  if (network === undefined || inner === undefined) throw new Error(`cannot parse ${cidr} or ${address}`);
  return cidrContains(network, inner);
}

describe('planTopology', () => {
  test('gives pods their names, nodes and zones, local ones first', () => {
    const { pods } = planTopology({ pods: ['web'], remotePods: ['db', 'cache'] });
    expect(pods.map(({ name, nodeName, zone, netns }) => [name, nodeName, zone, netns])).toEqual([
      ['web', 'node-1', 'zone-a', 'web'],
      ['db', 'node-2', 'zone-b', 'remote'],
      ['cache', 'node-2', 'zone-b', 'remote'],
    ]);
  });

  test.each(IP_FAMILIES)('hands out %s addresses from the network they belong to, each once', (family) => {
    const { node, remoteNode, pods, outside, clusterCidrs } = planTopology({
      pods: Array.from({ length: 200 }, (_, i) => `local-${i}`),
      remotePods: Array.from({ length: 200 }, (_, i) => `far-${i}`),
    });
    for (const pod of pods) {
      const podCidrs = pod.nodeName === node.name ? node.podCidrs : remoteNode.podCidrs;
      expect(within(podCidrs[family], pod.addresses[family])).toBe(true);
      expect(within(clusterCidrs[family], pod.addresses[family])).toBe(true);
    }
    expect(within(clusterCidrs[family], outside.addresses[family])).toBe(false);
    const owners = [node.addresses, node.bridgeAddresses, node.peerAddresses, remoteNode.addresses, outside.addresses];
    const all = [...owners, ...pods.map((pod) => pod.addresses)].map((addresses) => addresses[family]);
    expect(new Set(all).size).toBe(405);
  });

  test.each([
    [{ pods: ['a', 'a'] }, 'is taken'],
    [{ pods: ['a'], remotePods: ['a'] }, 'is taken'],
    [{ pods: ['outside'] }, 'is taken'],
    [{ pods: ['a b'] }, 'is no DNS label'],
    [{ pods: ['-a'] }, 'is no DNS label'],
    [{ remotePods: Array.from({ length: 201 }, (_, i) => `far-${i}`) }, 'at most 200'],
  ])('refuses %o', (options, message) => {
    expect(() => planTopology(options)).toThrow(
      expect.objectContaining({ code: 'lab-failed', message: expect.stringContaining(message) }),
    );
  });
});
