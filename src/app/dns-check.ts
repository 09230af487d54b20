import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import { composeQuery } from '../dns/wire/compose.ts';
import { RCODE, TYPE } from '../dns/wire/constants.ts';
import { encodeName } from '../dns/wire/name.ts';
import { word } from '../dns/wire/query.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import { familyOf } from '../model/address.ts';
import { DNS_PORT } from './dns-settings.ts';

const ANSWERS_AT = 6;
const RCODE_MASK = 0x0f;

/** Asks the node's own DNS, over the addresses that clients use, from ports that nobody else has meanwhile. */
export class DnsCheck {
  readonly #sockets: ReadonlyMap<IpFamily, Socket>;
  /** Of the sockets. */
  readonly ports: Readonly<Partial<Record<IpFamily, number>>>;
  readonly #question: Uint8Array;
  readonly #expected = new Map<string, () => void>();

  private constructor(sockets: ReadonlyMap<IpFamily, Socket>, zone: string) {
    this.#sockets = sockets;
    this.ports = Object.fromEntries([...sockets].map(([family, socket]) => [family, socket.address().port]));
    // Every server of a cluster has it, and no cache or upstream is asked for it.
    this.#question = composeQuery(encodeName(`dns-version.${zone}`) ?? '', TYPE.TXT);
    for (const socket of sockets.values()) {
      socket.on('message', (reply, from) => this.#hear(reply, from.address));
      socket.on('error', () => undefined);
    }
  }

  static async open(families: readonly IpFamily[], zone: string): Promise<DnsCheck> {
    const sockets = new Map<IpFamily, Socket>();
    for (const family of families) {
      const socket = createSocket(family === 'IPv4' ? 'udp4' : 'udp6');
      const listening = once(socket, 'listening');
      socket.bind(0);
      await listening;
      sockets.set(family, socket);
    }
    return new DnsCheck(sockets, zone);
  }

  /** Does every address answer within this time? */
  async passes(addresses: readonly IpAddress[], timeoutMs: number): Promise<boolean> {
    const answers = await Promise.all(addresses.map((address) => this.#ask(address, timeoutMs)));
    return answers.every(Boolean);
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }

  async #ask(address: IpAddress, timeoutMs: number): Promise<boolean> {
    const query = Buffer.from(this.#question);
    const id = randomInt(0x1_0000);
    query.writeUInt16BE(id, 0);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const key = `${address} ${id}`;
    this.#expected.set(key, () => resolve(true));
    const timer = setTimeout(() => resolve(false), timeoutMs);
    this.#sockets.get(familyOf(address))?.send(query, DNS_PORT, address, (error) => {
      if (error !== null) resolve(false);
    });
    const answered = await promise;
    clearTimeout(timer);
    this.#expected.delete(key);
    return answered;
  }

  #hear(reply: Buffer, address: string): void {
    if (reply.length < ANSWERS_AT + 2) return;
    const isGood = (word(reply, 2) & RCODE_MASK) === RCODE.noError && word(reply, ANSWERS_AT) > 0;
    if (isGood) this.#expected.get(`${address} ${word(reply, 0)}`)?.();
  }
}
