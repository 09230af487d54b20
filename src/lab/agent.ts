import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { checkHeld } from './hold.ts';
import { startServer } from './listen.ts';
import { errnoOf } from './outcome.ts';
import { openTcp, probe } from './probe.ts';
import type { AgentMethods, Method, Nothing, Reply, Request, Server } from './protocol.ts';
import { stress } from './stress.ts';

type Handlers = {
  readonly [M in Method]: (params: AgentMethods[M]['params'], request: number) => Promise<AgentMethods[M]['result']>;
};

const NOTHING: Nothing = {};

/**
 * Does the network work of one network namespace, the one it was started in, as told by the lines it reads
 * (see {@link Request}). Requests run side by side. Resolves when the input has ended and everything was closed.
 */
export async function runAgent(input: Readable, output: Writable): Promise<void> {
  const state = new AgentState();
  const handlers = handlersOf(state);
  for await (const line of createInterface({ input })) {
    void answer(handlers, line).then((reply) => {
      if (!output.writableEnded) output.write(`${JSON.stringify(reply)}\n`);
    });
  }
  await state.close();
}

async function answer(handlers: Handlers, line: string): Promise<Reply> {
  let id = 0;
  try {
    const request = JSON.parse(line) as Request;
    id = request.id;
    if (!Object.hasOwn(handlers, request.method)) throw new Error(`there is no method ${request.method}`);
    return { id, result: await call(handlers, request) };
  } catch (thrown) {
    const errno = errnoOf(thrown);
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return { id, error: { message, ...(errno !== undefined && { errno }) } };
  }
}

function call<M extends Method>(handlers: Handlers, request: Request<M>): Promise<AgentMethods[M]['result']> {
  return handlers[request.method](request.params, request.id);
}

/** What the agent has open, by the number it was given out under. */
class AgentState {
  readonly servers = new Map<number, Server>();
  readonly held = new Map<number, Socket>();
  readonly stresses = new Map<number, AbortController>();
  #lastNumber = 0;

  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  async close(): Promise<void> {
    for (const stopper of this.stresses.values()) stopper.abort();
    for (const socket of this.held.values()) socket.destroy();
    await Promise.all([...this.servers.values()].map((server) => server.close()));
  }
}

function handlersOf(state: AgentState): Handlers {
  return {
    ping: async () => ({ pid: process.pid }),
    listen: async (params) => {
      const server = await startServer(params);
      const listener = state.nextNumber();
      state.servers.set(listener, server);
      return { listener, port: server.port };
    },
    closeListener: async ({ listener }) => {
      const server = found(state.servers, listener, 'listener');
      state.servers.delete(listener);
      await server.close();
      return NOTHING;
    },
    probe,
    stress: async (params, request) => {
      const stopper = new AbortController();
      state.stresses.set(request, stopper);
      try {
        return await stress(params, stopper.signal);
      } finally {
        state.stresses.delete(request);
      }
    },
    stopStress: async ({ request }) => {
      // One that has just ended by itself is stopped already.
      state.stresses.get(request)?.abort();
      return NOTHING;
    },
    hold: async (params) => {
      const { result, socket } = await openTcp(params);
      if (socket === undefined) return result;
      const hold = state.nextNumber();
      state.held.set(hold, socket);
      return { ...result, hold };
    },
    holdCheck: ({ hold, timeoutMs }) => checkHeld(found(state.held, hold, 'held connection'), timeoutMs),
    holdClose: async ({ hold }) => {
      // As with probes, nothing stays in TIME_WAIT.
      found(state.held, hold, 'held connection').resetAndDestroy();
      state.held.delete(hold);
      return NOTHING;
    },
  };
}

function found<T>(things: ReadonlyMap<number, T>, number: number, what: string): T {
  const thing = things.get(number);
  if (thing === undefined) throw new Error(`there is no ${what} ${number}`);
  return thing;
}
