/** A feature gate of Kubernetes 1.36 or announced for 1.37, as far as a service proxy knows it (reference 1.4). */
interface Gate {
  readonly stage: 'alpha' | 'beta' | 'stable';
  readonly default: boolean;
  /** The default cannot be changed. */
  readonly locked?: true;
  /** What it changes in sluice; without, it can be set but changes nothing. */
  readonly effect?: string;
}

const GATES = {
  AllowServiceExternalIPs: { stage: 'stable', default: true, effect: 'false: externalIPs get no rules' },
  ComponentFlagz: { stage: 'beta', default: true, effect: 'false: no /flagz' },
  ComponentStatusz: { stage: 'beta', default: true, effect: 'false: no /statusz' },
  ContextualLogging: { stage: 'beta', default: true },
  DisableNodeKubeProxyVersion: { stage: 'stable', default: true, locked: true },
  KubeProxyIPVS: { stage: 'beta', default: true },
  KubeProxyNFTablesLocalhostNodePorts: { stage: 'alpha', default: false },
  LoggingAlphaOptions: { stage: 'alpha', default: false },
  LoggingBetaOptions: { stage: 'beta', default: true },
  MultiCIDRServiceAllocator: { stage: 'stable', default: true, locked: true },
  NFTablesProxyMode: { stage: 'stable', default: true, locked: true },
  NativeHistograms: { stage: 'alpha', default: false },
  PreferSameTrafficDistribution: { stage: 'stable', default: true, locked: true },
  WinDSR: { stage: 'stable', default: true, locked: true },
  WinOverlay: { stage: 'stable', default: true, locked: true },
} as const satisfies Readonly<Record<string, Gate>>;

export type GateName = keyof typeof GATES;

/** Gates that stand for all gates of a stage which are not set themselves. */
const GROUPS = { AllAlpha: 'alpha', AllBeta: 'beta' } as const;

const NAMES = Object.keys(GATES) as readonly GateName[];

/** Why a gate cannot be set like this. @returns `undefined` when it can. */
export function judgeGate(name: string, on: boolean): string | undefined {
  if (Object.hasOwn(GROUPS, name)) return undefined;
  const gate = gateNamed(name);
  if (gate === undefined) {
    return `is no feature gate of a service proxy (${[...NAMES, ...Object.keys(GROUPS)].join(', ')})`;
  }
  return gate.locked === true && on !== gate.default
    ? `cannot be set to ${on}: it is locked to ${gate.default}`
    : undefined;
}

/** The state of every gate, given those that were set. */
export function resolveGates(set: Readonly<Record<string, boolean>>): Readonly<Record<GateName, boolean>> {
  const states = NAMES.map((name) => {
    const { stage, default: fallback }: Gate = GATES[name];
    const group = Object.entries(GROUPS).find(([, members]) => members === stage)?.[0] ?? '';
    return [name, set[name] ?? set[group] ?? fallback] as const;
  });
  return Object.fromEntries(states) as Record<GateName, boolean>;
}

/** What `kubernetes_feature_enabled` tells of every gate; a stable one has no stage there. */
export function describeGates(
  states: Readonly<Record<GateName, boolean>>,
): readonly { readonly name: GateName; readonly stage: string; readonly enabled: boolean }[] {
  return NAMES.map((name) => {
    const { stage } = GATES[name];
    return { name, stage: stage === 'stable' ? '' : stage.toUpperCase(), enabled: states[name] };
  });
}

/** Gates set to other than their default although that changes nothing here. */
export function gatesWithoutEffect(set: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.entries(set).flatMap(([name, on]) => {
    const gate = gateNamed(name);
    return gate === undefined || gate.effect !== undefined || on === gate.default ? [] : [name];
  });
}

function gateNamed(name: string): Gate | undefined {
  return Object.hasOwn(GATES, name) ? GATES[name as GateName] : undefined;
}
