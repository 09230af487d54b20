import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiUpstream } from '../../src/lab/api/api-upstream.ts';
import type { DnsAnswer } from './dns-asker.ts';

export function percentile(values: readonly number[], part: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Number.NaN;
}

/** Of what the answers took, milliseconds. */
export function p99(answers: readonly DnsAnswer[]): number {
  return percentile(
    answers.map(({ ms }) => ms),
    0.99,
  );
}

/** Services as fast as an API server takes them; those of another generation have other names and addresses. */
export async function putMany(
  objects: Pick<ApiUpstream, 'put'>,
  { count, generation }: { readonly count: number; readonly generation: number },
): Promise<void> {
  for (let i = 0; i < count; i++) {
    const clusterIP = `10.${97 + generation}.${i >> 8}.${i & 255}`;
    await objects.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: `many-${generation}`, name: `svc-${i}` },
      spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: [{ protocol: 'TCP', port: 80 }] },
    });
    if (i % 100 === 0) await sleep(1);
  }
}
