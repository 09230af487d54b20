import { describe, expect, it } from 'vitest';
import { identify, isDnsLabel, isDnsSubdomain } from '../../../src/model/object.ts';

describe('identify', () => {
  const metadata = { namespace: 'prod', name: 'x' };
  const cases: readonly [string, unknown, unknown][] = [
    ['Service', { apiVersion: 'v1', kind: 'Service', metadata }, { kind: 'Service', name: 'prod/x' }],
    [
      'no namespace',
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } },
      { kind: 'Service', name: 'default/x' },
    ],
    [
      'slice',
      { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata },
      { kind: 'EndpointSlice', name: 'prod/x' },
    ],
    ['node', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } }, { kind: 'Node', name: 'n' }],
    [
      'ServiceCIDR',
      { apiVersion: 'networking.k8s.io/v1beta1', kind: 'ServiceCIDR', metadata: { name: 'k' } },
      { kind: 'ServiceCIDR', name: 'k' },
    ],
    ['nameless', { apiVersion: 'v1', kind: 'Service' }, { kind: 'Service', name: 'default/' }],
    ['name of a wrong type', { apiVersion: 'v1', kind: 'Node', metadata: { name: 5 } }, { kind: 'Node', name: '5' }],
    ['Knative Service', { apiVersion: 'serving.knative.dev/v1', kind: 'Service', metadata }, undefined],
    ['other kind', { apiVersion: 'apps/v1', kind: 'Deployment', metadata }, undefined],
    ['no object', null, undefined],
  ];
  it.each(cases)('%s', (_name, json, expected) => {
    expect(identify(json)).toEqual(expected);
  });
});

describe('names', () => {
  const cases: readonly [string, boolean, boolean][] = [
    ['web', true, true],
    ['9-to-5', true, true],
    ['a'.repeat(63), true, true],
    ['a'.repeat(64), false, true],
    ['a'.repeat(254), false, false],
    [`${'a'.repeat(70)}.b`, false, true],
    ['a.b', false, true],
    ['', false, false],
    ['a..b', false, false],
    ['a.-b', false, false],
    ['a.', false, false],
    ['-a', false, false],
    ['a-', false, false],
    ['A', false, false],
    ['a_b', false, false],
    ['a\n', false, false],
    ['ä', false, false],
    [`${'a.'.repeat(126)}a`, false, true],
    [`${'a.'.repeat(127)}a`, false, false],
  ];
  it.each(cases)('%j', (text, label, subdomain) => {
    expect([isDnsLabel(text), isDnsSubdomain(text)]).toEqual([label, subdomain]);
  });
});
