import { expect, test } from 'vitest';
import { MAX_MESSAGE_BYTES } from '../../../src/dns/wire/constants.ts';
import { isRefusal, parseQuery, word } from '../../../src/dns/wire/query.ts';
import { DnsWorld } from './cluster.ts';
import { generator, makePacket } from './damage.ts';
import { CLUSTER } from './objects.ts';

const PACKETS = 1_000_000;
const SEED = 20_261_123;

test('a million packets: every one that can be read is answered, within its limit, and nothing else is', () => {
  const world = new DnsWorld(CLUSTER, { reply: { nsid: 'fuzz' } });
  const random = generator(SEED);
  const tally = { silent: 0, header: 0, answered: 0 };
  for (let i = 0; i < PACKETS; i++) {
    const packet = makePacket(random);
    const parsed = parseQuery(packet);
    const transport = i % 4 === 0 ? 'tcp' : 'udp';
    const { reply } = world.responder.handle(packet, { transport, address: '10.0.0.1' });
    if (isRefusal(parsed) && parsed.refusal === 'silence') {
      tally.silent++;
      if (reply !== undefined) expect.unreachable(`answered ${packet.toString('hex')}`);
      continue;
    }
    if (!(reply instanceof Uint8Array)) expect.unreachable(`no answer to ${packet.toString('hex')}`);
    const limit =
      transport === 'tcp' ? MAX_MESSAGE_BYTES : isRefusal(parsed) ? 12 : parsed.edns === undefined ? 512 : 1232;
    const isGood = reply.length <= limit && word(reply, 0) === word(packet, 0) && (word(reply, 2) & 0x80_00) !== 0;
    if (!isGood) expect.unreachable(`a bad answer to ${packet.toString('hex')}`);
    if (isRefusal(parsed)) tally.header++;
    else tally.answered++;
  }
  // The damage is of a kind that leaves some of everything.
  expect(Math.min(tally.silent, tally.header, tally.answered)).toBeGreaterThan(PACKETS / 100);
}, 120_000);
