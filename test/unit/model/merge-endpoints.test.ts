import { describe, expect, it } from 'vitest';
import type { EndpointSlice } from '../../../src/model/decode-endpoint-slice.ts';
import { decodeEndpointSlice } from '../../../src/model/decode-endpoint-slice.ts';
import { mergeEndpoints, NO_ENDPOINTS } from '../../../src/model/merge-endpoints.ts';
import { sliceObject } from '../../support/objects.ts';

const HTTP = { portName: 'http', protocol: 'tcp' } as const;

interface Sketch {
  readonly name?: string;
  readonly port?: number;
  readonly portName?: string;
  readonly endpoints: readonly { readonly at: string; readonly node?: string; readonly conditions?: object }[];
}

function slice({ name = 'a', port = 8080, portName = 'http', endpoints }: Sketch): EndpointSlice {
  const decoded = decodeEndpointSlice(
    sliceObject({
      metadata: { name },
      ports: [{ name: portName, port }],
      endpoints: endpoints.map(({ at, node, conditions }) => ({ addresses: [at], nodeName: node, conditions })),
    }),
  );
  if (decoded.value === undefined) throw new Error('the test wants a good slice');
  return decoded.value;
}

describe('two entries for one address and port', () => {
  const terminating = { ready: false, serving: true, terminating: true };
  const notReady = { ready: false };
  const down = { ready: false, serving: false };
  // The first of each pair wins. Slices are called b and a, so that it is not for the name except in the last case.
  const cases: readonly [string, object | undefined, object | undefined, 'a' | 'b'][] = [
    ['ready over terminating', undefined, terminating, 'b'],
    ['not ready over terminating', notReady, terminating, 'b'],
    ['ready over not ready', undefined, notReady, 'b'],
    ['serving over down', notReady, down, 'b'],
    ['the smaller slice name otherwise', undefined, undefined, 'a'],
  ];
  it.each(cases)('%s', (_name, better, worse, winner) => {
    const b = slice({ name: 'b', endpoints: [{ at: '10.0.0.1', node: 'b', ...(better && { conditions: better }) }] });
    const a = slice({ name: 'a', endpoints: [{ at: '10.0.0.1', node: 'a', ...(worse && { conditions: worse }) }] });
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      const merged = mergeEndpoints(HTTP, order);
      expect(merged.map((endpoint) => endpoint.nodeName)).toEqual([winner]);
    }
  });
});

it('takes the port number of each slice, and only slices with the port', () => {
  const merged = mergeEndpoints(HTTP, [
    slice({ name: 'a', endpoints: [{ at: '10.0.0.1' }] }),
    slice({ name: 'b', port: 9090, endpoints: [{ at: '10.0.0.1' }] }),
    slice({ name: 'c', portName: 'metrics', endpoints: [{ at: '10.0.0.2' }] }),
  ]);
  expect(merged.map(({ address, port }) => `${address}:${port}`)).toEqual(['10.0.0.1:8080', '10.0.0.1:9090']);
  expect(mergeEndpoints({ ...HTTP, protocol: 'udp' }, [slice({ endpoints: [{ at: '10.0.0.1' }] })])).toBe(NO_ENDPOINTS);
});

it('sorts as text', () => {
  const merged = mergeEndpoints(HTTP, [
    slice({ endpoints: ['10.0.0.9', '10.0.0.10', '10.0.0.1'].map((at) => ({ at })) }),
  ]);
  expect(merged.map(({ address }) => address)).toEqual(['10.0.0.10', '10.0.0.1', '10.0.0.9']);
});
