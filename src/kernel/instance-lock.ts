import type { Server } from 'node:net';
import { connect, createServer } from 'node:net';
import { hostname } from 'node:os';
import { SluiceError } from '../base/errors.ts';

/** Who holds the lock, in its own words. */
export interface LockHolder {
  /** As the holder's own process namespace has it: inside a container that is not the number that the node sees. */
  readonly pid: number;
  readonly host: string;
  /** When it took the lock, ISO 8601. */
  readonly since: string;
}

export interface InstanceLock {
  /** Lets others have it; what happens anyway when the process ends, however it ends. */
  release(): Promise<void>;
}

const NAME = 'sluice-instance';

/** For the holder to say who it is. */
const PATIENCE_MS = 500;

/**
 * Makes this process the only one that writes rules in its network namespace. The kernel takes the lock back when the
 * process ends; it keeps no process from ending. Whoever takes another name takes another lock.
 *
 * @throws {SluiceError} `already-running`, with the {@link LockHolder} in `data` if that one answers; `permission-denied`
 *   or `command-failed` when no socket can be made at all.
 */
export async function acquireInstanceLock(name = NAME): Promise<InstanceLock> {
  // Abstract sockets exist once per network namespace, as the rules do, and in no file system.
  const path = `\0${name}`;
  const first = await listen(path);
  if (first !== undefined) return first;
  const holder = await askHolder(path);
  // One that has just ended leaves the lock to us.
  const second = holder === 'gone' ? await listen(path) : undefined;
  if (second !== undefined) return second;
  const known = holder === 'gone' || holder === 'silent' ? undefined : holder;
  const who = known === undefined ? 'it does not answer' : `pid ${known.pid} on ${known.host}, since ${known.since}`;
  throw new SluiceError({
    code: 'already-running',
    message: `another sluice writes the rules of this node (${who})`,
    hint: 'stop that one first: two of them would undo each other’s work',
    ...(known === undefined ? {} : { data: { ...known } }),
  });
}

/** @returns `undefined` when somebody else has the lock. */
function listen(path: string): Promise<InstanceLock | undefined> {
  const self: LockHolder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(JSON.stringify(self));
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EADDRINUSE') resolve(undefined);
      else reject(refused(cause));
    });
    server.listen({ path }, () => {
      server.unref();
      resolve({ release: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function refused(cause: NodeJS.ErrnoException): SluiceError {
  const denied = cause.code === 'EACCES' || cause.code === 'EPERM';
  return new SluiceError({
    code: denied ? 'permission-denied' : 'command-failed',
    message: `cannot take the lock of this node: ${cause.message}`,
    cause,
  });
}

function askHolder(path: string): Promise<LockHolder | 'silent' | 'gone'> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const timer = setTimeout(() => settle('silent'), PATIENCE_MS);
    const settle = (answer: LockHolder | 'silent' | 'gone'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('end', () => settle(parseHolder(text) ?? 'silent'));
    socket.on('error', (cause: NodeJS.ErrnoException) => settle(cause.code === 'ECONNREFUSED' ? 'gone' : 'silent'));
  });
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const { pid, host, since } = JSON.parse(text) as LockHolder;
    return typeof pid === 'number' && typeof host === 'string' && typeof since === 'string'
      ? { pid, host, since }
      : undefined;
  } catch {
    return undefined;
  }
}
