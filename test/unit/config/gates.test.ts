import { describe, expect, it } from 'vitest';
import { gatesWithoutEffect, judgeGate, resolveGates } from '../../../src/config/gates.ts';

describe('states', () => {
  const cases: readonly [string, Readonly<Record<string, boolean>>, Partial<ReturnType<typeof resolveGates>>][] = [
    ['defaults', {}, { AllowServiceExternalIPs: true, ComponentStatusz: true, NativeHistograms: false }],
    ['one of them', { AllowServiceExternalIPs: false }, { AllowServiceExternalIPs: false, ComponentStatusz: true }],
    [
      'all of a stage',
      { AllBeta: false },
      { ComponentStatusz: false, ComponentFlagz: false, AllowServiceExternalIPs: true },
    ],
    ['all but one', { AllBeta: false, ComponentFlagz: true }, { ComponentStatusz: false, ComponentFlagz: true }],
    ['all experiments', { AllAlpha: true }, { NativeHistograms: true, ComponentFlagz: true }],
  ];
  it.each(cases)('%s', (_name, set, expected) => {
    expect(resolveGates(set)).toMatchObject(expected);
  });
});

describe('what can be set', () => {
  const cases: readonly [string, boolean, RegExp | undefined][] = [
    ['AllowServiceExternalIPs', false, undefined],
    ['NFTablesProxyMode', true, undefined],
    ['NFTablesProxyMode', false, /locked to true/],
    ['AllAlpha', true, undefined],
    ['Magic', true, /no feature gate of a service proxy/],
    ['toString', true, /no feature gate of a service proxy/],
  ];
  it.each(cases)('%s=%s', (name, on, complaint) => {
    const reason = judgeGate(name, on);
    if (complaint === undefined) expect(reason).toBeUndefined();
    else expect(reason).toMatch(complaint);
  });
});

it('knows which changes nothing here', () => {
  expect(
    gatesWithoutEffect({ NativeHistograms: true, WinDSR: true, AllowServiceExternalIPs: false, AllAlpha: true }),
  ).toEqual(['NativeHistograms']);
});
