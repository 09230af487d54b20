import { hostname } from 'node:os';
import { interfaceAddresses } from '../kernel/interfaces.ts';
import type { Backend, BackendSettings, IpvsSettings } from '../backend/contract.ts';
import { BACKENDS, backendNamed } from '../backend/registry.ts';
import { SluiceError } from '../base/errors.ts';
import type { CompileSettings } from '../compiler/plan.ts';
import type { Config } from '../config/resolve.ts';
import type { IpAddress } from '../model/address.ts';
import type { LentAddresses } from '../model/store.ts';
import { DNS_PORT } from './dns-settings.ts';
import type { Machine, NodeOverrides } from '../source/node-facts.ts';

/** A configuration in the terms of the parts that it is for. */
export interface Setup {
  readonly backend: Backend;
  readonly backendSettings: BackendSettings;
  readonly compileSettings: CompileSettings;
  readonly nodeOverrides: NodeOverrides;
  /** Where the cluster's DNS Service is reached too: where this node answers itself, as long as it does. */
  readonly lent?: LentAddresses;
  /** Addresses that the machine has because of us; they say nothing about the node. */
  readonly ownAddresses?: ReadonlySet<string>;
}

/** @throws {SluiceError} `bad-config` when there is no such backend, or it does not go with other settings. */
export function setupFrom(config: Config): Setup {
  const backend = backendFrom(config);
  if (config.dns && backend.proxyMode === 'ipvs') throw ipvsTakesQueries();
  const { masqueradeBit, conntrackBeLiberal, masqueradeAll, detectLocal, localhostNodePorts } = config;
  return {
    backend,
    backendSettings: { masqueradeBit, conntrackBeLiberal, ipvs: ipvsSettings(config) },
    compileSettings: {
      masqueradeAll,
      detectLocal,
      nodePortAddresses: config.nodePortAddresses ?? defaultNodePortAddresses(backend),
      externalIps: config.allowExternalIps,
      // Only the iptables mode of kube-proxy can serve loopback addresses (N4 of the reference).
      localhostNodePorts: localhostNodePorts && backend.proxyMode === 'iptables',
      namesInterfaceAddresses: backend.namesInterfaceAddresses === true,
    },
    nodeOverrides: {
      ...(config.nodeName === undefined ? {} : { name: config.nodeName }),
      ...(config.zone === undefined ? {} : { zone: config.zone }),
      // A specific bind address is what kube-proxy takes for the node's address of its family.
      addresses: isUnspecified(config.bindAddress) ? config.nodeIps : [...config.nodeIps, config.bindAddress],
      podCidrs: config.podCidrs,
    },
    ...(config.dns ? { lent: { service: config.dnsService, port: DNS_PORT, addresses: config.dnsAddresses } } : {}),
  };
}

function ipvsSettings(config: Config): IpvsSettings {
  const seconds = (ms: number): number => Math.ceil(ms / 1000);
  return {
    scheduler: config.ipvsScheduler,
    excludeCidrs: config.ipvsExcludeCidrs,
    strictArp: config.ipvsStrictArp,
    timeoutsS: {
      tcp: seconds(config.ipvsTcpTimeoutMs),
      tcpFin: seconds(config.ipvsTcpFinTimeoutMs),
      udp: seconds(config.ipvsUdpTimeoutMs),
    },
  };
}

function isUnspecified(address: IpAddress): boolean {
  return address === '0.0.0.0' || address === '::';
}

function backendFrom({ backend }: Config): Backend {
  const chosen = backend === undefined ? BACKENDS[0] : backendNamed(backend);
  if (chosen === undefined) throw new SluiceError({ code: 'internal', message: 'this build has no backend' });
  return chosen;
}

/** IPVS looks at packets for the node itself, tracked or not, so queries to the cluster's DNS would never reach ours. */
function ipvsTakesQueries(): SluiceError {
  return new SluiceError({
    code: 'bad-config',
    message:
      "--dns: beside IPVS the node's own DNS gets no queries, because IPVS takes all packets to ClusterIPs first",
    hint: 'use --proxy-mode nftables or iptables, or leave out --dns',
  });
}

/** kube-proxy in nftables mode serves NodePorts on the primary addresses only, in its other modes on all. */
function defaultNodePortAddresses(backend: Backend): CompileSettings['nodePortAddresses'] {
  return backend.proxyMode === 'nftables' ? 'primary' : [];
}

/** What this machine says of itself. */
export function machineOf({ ownAddresses }: Setup): Machine {
  const addresses = interfaceAddresses().filter((address) => ownAddresses?.has(address) !== true);
  return { hostname: hostname(), interfaceAddresses: addresses };
}
