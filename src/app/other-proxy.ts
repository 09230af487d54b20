import { connect } from 'node:net';
import { SluiceError } from '../base/errors.ts';

/** Where kube-proxy serves metrics and health by default; nobody else should listen there on a node. */
const KUBE_PROXY_PORTS = [10249, 10256] as const;

const PATIENCE_MS = 300;

/**
 * Two programs that write Service rules undo each other's work for ever.
 *
 * @throws {SluiceError} `other-proxy-running` when something listens on kube-proxy's ports of this network namespace.
 */
export async function refuseOtherProxy(ports: readonly number[] = KUBE_PROXY_PORTS): Promise<void> {
  const answers = await Promise.all(ports.map(isListening));
  const taken = ports.filter((_, i) => answers[i]);
  if (taken.length === 0) return;
  throw new SluiceError({
    code: 'other-proxy-running',
    message: `something listens on port ${taken.join(' and ')}, so a kube-proxy seems to be running on this node`,
    hint: 'stop kube-proxy first (its rules may stay, they are taken over), or go on with --take-over',
    data: { ports: taken },
  });
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: PATIENCE_MS });
    const settle = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}
