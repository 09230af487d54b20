import type { Backend, BackendSettings, Driver } from '../../backend/contract.ts';
import { BACKENDS } from '../../backend/registry.ts';
import { SluiceError, toSluiceError } from '../../base/errors.ts';
import type { CommandRunner } from '../../kernel/command.ts';

/** One way of writing rules, in one of its variants. */
export interface Contender {
  readonly name: string;
  /** Its name in the registry. */
  readonly backend: string;
  readonly settings: BackendSettings;
  /** Without `--services` and `--endpoints`: sizes with more Services or endpoints are left out, because they take an hour each. */
  readonly usual: { readonly services: number; readonly endpoints: number };
}

const SETTINGS: BackendSettings = { masqueradeBit: 14, conntrackBeLiberal: false };

export const CONTENDERS: readonly Contender[] = [
  { name: 'nft', backend: 'nft', settings: SETTINGS, usual: { services: 100_000, endpoints: 1_000_000 } },
  {
    name: 'iptables-nft',
    backend: 'iptables',
    settings: { ...SETTINGS, iptablesVariant: 'nf_tables' },
    usual: { services: 50_000, endpoints: 200_000 },
  },
  {
    name: 'iptables-legacy',
    backend: 'iptables',
    settings: { ...SETTINGS, iptablesVariant: 'legacy' },
    usual: { services: 50_000, endpoints: 200_000 },
  },
  { name: 'ipvs', backend: 'ipvs', settings: SETTINGS, usual: { services: 50_000, endpoints: 200_000 } },
];

/** @throws {SluiceError} `bad-config` when there is none of this name. */
export function contenderNamed(name: string): Contender {
  const found = CONTENDERS.find((contender) => contender.name === name);
  if (found !== undefined) return found;
  throw new SluiceError({
    code: 'bad-config',
    message: `--backend: "${name}" is not one of ${CONTENDERS.map((contender) => contender.name).join(', ')}`,
  });
}

/** @throws {SluiceError} `kernel-unsupported` when this version has no such backend. */
export function backendOf({ backend: name }: Contender): Backend {
  const backend = BACKENDS.find((one) => one.name === name);
  if (backend !== undefined) return backend;
  throw new SluiceError({ code: 'kernel-unsupported', message: `this version has no backend ${name}` });
}

export function openDriver(contender: Contender, runner: CommandRunner): Driver {
  return backendOf(contender).openDriver({ family: 'IPv4', runner, settings: contender.settings });
}

/** Why it cannot be measured on this machine; `undefined` when it can. */
export async function whyUnusable(contender: Contender, runner: CommandRunner): Promise<string | undefined> {
  try {
    await backendOf(contender).probe(runner);
    await backendOf(contender).prepare?.(runner, contender.settings);
    const driver = openDriver(contender, runner);
    try {
      await driver.read();
    } finally {
      await driver.close();
    }
    return undefined;
  } catch (thrown) {
    return toSluiceError(thrown).message;
  }
}
