import { connect, createServer } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { systemRunner } from '../../src/kernel/command.ts';
import { nowMs } from './api-process.ts';

/** Two addresses of this node that answer as endpoints. */
export const ENDPOINTS = ['10.200.0.1', '10.200.0.2'] as const;

export const TARGET_PORT = 8080;

export const SERVICE_PORT = 80;

/** A node with an address and a route, where packets to an unknown ClusterIP are refused at once, not lost. */
const SET_UP = [
  'ip link add uplink type bridge',
  'ip addr add 172.18.0.2/24 dev uplink',
  'ip link set uplink up',
  'ip route add default via 172.18.0.1',
  ...ENDPOINTS.map((address) => `ip addr add ${address}/32 dev lo`),
].join('\n');

const REFUSE = `table ip bench {
  chain output {
    type filter hook output priority 0
    ip daddr 10.96.0.0/12 meta l4proto tcp reject with tcp reset
  }
}`;

/** Makes the network, once per private namespace, and starts the endpoints: each greets with its address. */
export async function openEndpoints(): Promise<void> {
  const { exitCode, stderr } = await systemRunner.run('sh', ['-e'], { input: SET_UP });
  if (exitCode !== 0) throw new Error(`cannot make the network: ${stderr}`);
  for (const address of ENDPOINTS) {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(address);
    });
    await new Promise<void>((resolve) => server.listen(TARGET_PORT, address, resolve));
    server.unref();
  }
}

/** No rules but those of the bench, as on a fresh node. */
export async function emptyKernel(): Promise<void> {
  await nft(`flush ruleset\n${REFUSE}`);
}

async function nft(rules: string): Promise<void> {
  const { exitCode, stderr } = await systemRunner.run('nft', ['-f', '-'], { input: rules });
  if (exitCode !== 0) throw new Error(`nft: ${stderr}`);
}

/**
 * A connection takes less than a millisecond here. One that takes longer has met a rejection that the kernel does not heed while
 * `connect` holds the socket, and would be repeated after a second, whatever the rules are by then.
 */
const PATIENCE_MS = 10;

/** Who answers one connection: the address of an endpoint, or `none`, or `nobody in time`. */
function answerer(address: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: SERVICE_PORT, noDelay: true });
    let text = '';
    const settle = (answer: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle('nobody in time'), PATIENCE_MS);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.once('end', () => settle(text));
    socket.once('error', () => settle('none'));
  });
}

/** How often what came, over all. */
export const answers = new Map<string, number>();

/** Connects without a break, or with pauses, until somebody else answers. @returns when that answer was there. */
export async function untilAnswered(
  by: string,
  address: string,
  { pauseMs = 0, timeoutMs = 30_000 } = {},
): Promise<number> {
  const deadlineMs = nowMs() + timeoutMs;
  for (;;) {
    const answer = await answerer(address);
    const atMs = nowMs();
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    if (answer === by) return atMs;
    if (atMs > deadlineMs) throw new Error(`${address} is answered by ${answer}, not by ${by}`);
    // Messages of the API server's process come in between.
    await (pauseMs === 0 ? setImmediate() : sleep(pauseMs));
  }
}
