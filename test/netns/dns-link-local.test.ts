import { beforeAll, expect, test } from 'vitest';
import { RCODE } from '../../src/dns/wire/constants.ts';
import { run } from '../support/program-machine.ts';
import { ask, forwarder, good, upstream, WWW } from '../unit/dns/forward/fake-upstream.ts';

beforeAll(async () => {
  await run('ip', ['link', 'set', 'lo', 'up']);
  await run('ip', ['address', 'add', 'fe80::53/64', 'dev', 'lo', 'nodad']);
});

test.each(['udp', 'tcp'] as const)('a name server with a link-local address is asked over %s', async (transport) => {
  const fake = await upstream(good, 'fe80::53%lo');
  const to = forwarder([fake], { transport });
  expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
  expect(fake.questions.map((seen) => seen.transport)).toEqual([transport]);
});

test('without the interface nobody can be reached', async () => {
  const fake = await upstream(good, 'fe80::53%lo');
  const to = forwarder([], { upstreams: [fake.address.replace('%lo', '')] });
  expect((await ask(to, WWW)).rcode).toBe(RCODE.servFail);
});
