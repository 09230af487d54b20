import type { IpAddress } from '../model/address.ts';
import { socketAddress } from '../model/address.ts';

/** Where a server listens. */
export interface ListenAddress {
  readonly host: IpAddress;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Keeps `0.0.0.0` and `::` to their own family. As kube-proxy's servers, others take both families on either. */
  readonly singleFamily?: boolean;
}

/** `127.0.0.1:10249`, `[::]:10256`. */
export function describeListenAddress({ host, port }: ListenAddress): string {
  return socketAddress(host, port);
}
