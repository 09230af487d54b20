import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { SluiceError } from '../../src/base/errors.ts';
import type { CommandRunner } from '../../src/kernel/command.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Conntrack } from '../../src/kernel/conntrack.ts';
import type { UdpFlow } from '../../src/kernel/conntrack-flow.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { ip } from '../support/plans.ts';
import { run } from '../support/program-machine.ts';

const withoutPerl: CommandRunner = {
  async run(file, args, options) {
    if (file === 'perl') throw new SluiceError({ code: 'command-missing', message: 'there is no perl' });
    return systemRunner.run(file, args, options);
  },
};

const WAYS = [
  { way: 'by netlink', runner: systemRunner },
  { way: 'by pairs', runner: withoutPerl },
];

const CASES = IP_FAMILIES.flatMap((family) => WAYS.map((way) => ({ family, ...way })));

const CLIENTS = 200;

const PREFIX = {
  IPv4: { client: '10.1.0.', service: '10.96.0.', endpoint: '10.244.0.' },
  IPv6: { client: 'fd00:1::', service: 'fd00:96::', endpoint: 'fd00:244::' },
} as const satisfies Record<IpFamily, object>;

/** Client `n` of Service `n % 10`, translated to endpoint `n % 5`. */
function entry(family: IpFamily, n: number, protocol: 'udp' | 'tcp'): string {
  const { client, service, endpoint } = PREFIX[family];
  const who = `-s ${client}${n + 1} -d ${service}${(n % 10) + 1} -r ${endpoint}${(n % 5) + 1} -q ${client}${n + 1}`;
  const ports = `--sport 1000 --dport 53 --reply-port-src 5353 --reply-port-dst 1000`;
  const state = protocol === 'tcp' ? ' --state ESTABLISHED' : '';
  return `-A -t 300 -u SEEN_REPLY,ASSURED ${who} -p ${protocol} ${ports}${state}\n`;
}

async function count(...filter: readonly string[]): Promise<number> {
  return (await run('conntrack', ['-L', ...filter])).split('\n').filter((line) => line !== '').length;
}

beforeEach(async () => {
  await run('conntrack', ['-F']);
  const numbers = Array.from({ length: CLIENTS }, (_, n) => n);
  const entries = IP_FAMILIES.flatMap((family) =>
    (['udp', 'tcp'] as const).flatMap((protocol) => numbers.map((n) => entry(family, n, protocol))),
  );
  await run('sh', ['-c', 'cat | conntrack -R -'], entries.join(''));
});

afterAll(() => run('conntrack', ['-F']));

describe.each(CASES)('$family, $way', ({ family, runner }) => {
  const { service, endpoint } = PREFIX[family];
  const conntrack = new Conntrack(runner);
  const isOf =
    (number: number) =>
    ({ replySource }: UdpFlow): boolean =>
      replySource === `${endpoint}${number}`;

  test('what is deleted is gone, and nothing else', async () => {
    const flows = await conntrack.list(family, isOf(3));
    expect(flows).toHaveLength(CLIENTS / 5);
    await conntrack.delete(family, flows);
    expect(await conntrack.list(family, isOf(3))).toEqual([]);
    expect(await conntrack.list(family, () => true)).toHaveLength((CLIENTS / 5) * 4);
    expect(await count('-p', 'tcp')).toBe(2 * CLIENTS);
    expect(await count('-p', 'udp')).toBe(2 * CLIENTS - CLIENTS / 5);
  });

  test('what is gone already is no failure, in the middle of others', async () => {
    const flows = await conntrack.list(family, isOf(3));
    await conntrack.delete(family, flows.slice(5, 10));
    await conntrack.delete(family, flows);
    expect(await conntrack.list(family, isOf(3))).toEqual([]);
  });

  test('a successor that goes elsewhere stays', async () => {
    const only = { destination: ip(`${service}3`) };
    const flows = await conntrack.list(family, isOf(3), only);
    expect(flows).toHaveLength(CLIENTS / 10);
    await conntrack.delete(family, flows);
    const successor = entry(family, 2, 'udp').replace(`-r ${endpoint}3`, `-r ${endpoint}9`);
    await run('sh', ['-c', 'cat | conntrack -R -'], successor);
    await conntrack.delete(family, flows);
    expect(await conntrack.list(family, () => true, only)).toMatchObject([{ replySource: `${endpoint}9` }]);
  });
});

test.each(IP_FAMILIES)('%s: a process without the capability is told so', async (family) => {
  const flows = await new Conntrack(systemRunner).list(family, () => true);
  const powerless: CommandRunner = {
    run: (file, args, options) =>
      systemRunner.run('setpriv', ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin', file, ...args], options),
  };
  const conntrack = new Conntrack(powerless);
  await expect(conntrack.list(family, () => true)).rejects.toMatchObject({ code: 'permission-denied' });
  await expect(conntrack.delete(family, flows)).rejects.toMatchObject({ code: 'permission-denied' });
  expect(await count('-f', family.toLowerCase(), '-p', 'udp')).toBe(CLIENTS);
});
