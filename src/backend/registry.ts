import { SluiceError } from '../base/errors.ts';
import type { Backend } from './contract.ts';
import { iptablesBackend } from './iptables/backend.ts';
import { ipvsBackend } from './ipvs/backend.ts';
import { nftBackend } from './nft/backend.ts';

/** Every backend there is, the default first. */
export const BACKENDS: readonly Backend[] = [nftBackend, iptablesBackend, ipvsBackend];

/** Finds a backend by its own name (`nft`) or kube-proxy's word for it (`nftables`). @throws {SluiceError} `bad-config`. */
export function backendNamed(name: string): Backend {
  const found = BACKENDS.find((backend) => backend.name === name || backend.proxyMode === name);
  if (found !== undefined) return found;
  const known = BACKENDS.map((backend) => `${backend.name} (${backend.proxyMode})`).join(', ');
  throw new SluiceError({
    code: 'bad-config',
    message: `there is no backend or proxy mode "${name}"`,
    hint: `this version has ${known}`,
    data: { name },
  });
}
