import type { Backend, Driver } from '../../src/backend/contract.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeIptables } from './fake-iptables.ts';
import { FakeIpvs } from './fake-ipvs.ts';
import { FakeNft } from './fake-nft.ts';
import { fakeNftDriver } from './nft-driver.ts';
import { BACKEND_SETTINGS } from './scenario-settings.ts';

/** Opens another driver, which knows nothing, on the same fake kernel. */
export type OpenDriver = (family: IpFamily) => Driver;

/** An empty kernel that refuses what the real one would. */
export function fakeKernelFor(backend: Backend): OpenDriver {
  if (backend.name === 'nft') {
    const nft = new FakeNft();
    return (family) => fakeNftDriver(nft, family).driver;
  }
  const runner = backend.name === 'ipvs' ? new FakeIpvs() : new FakeIptables({ installed: { '': 'nf_tables' } });
  return (family) => backend.openDriver({ family, runner, settings: BACKEND_SETTINGS, clock: new FakeClock() });
}
