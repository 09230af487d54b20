import { SluiceError } from '../../base/errors.ts';
import type { IpAddress } from '../../model/address.ts';
import { socketAddress } from '../../model/address.ts';

/** An address and port to answer on. Each is bound by itself: a wildcard would reply from the wrong address. */
export interface ListenPoint {
  readonly host: IpAddress;
  /** 0: any that is free. */
  readonly port: number;
}

export function cannotListen({ host, port }: ListenPoint, protocol: 'UDP' | 'TCP', cause: unknown): SluiceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const taken = code === 'EADDRINUSE';
  return new SluiceError({
    code: 'address-unavailable',
    message: `DNS cannot listen on ${socketAddress(host, port)} (${protocol}): ${message}`,
    hint: taken
      ? 'another program has the port: stop it, or choose another address'
      : code === 'EACCES'
        ? 'ports below 1024 need root or the capability NET_BIND_SERVICE'
        : 'choose an address that this machine has',
    cause,
  });
}
