import type { CommandRunner } from '../../src/kernel/command.ts';
import { TOPOLOGY } from './scenario-settings.ts';

/** Notes every packet that goes on as it was sent: to the node's own sockets, or out by the default route. */
export interface Witness {
  /** Forgets what it saw. */
  flush(): Promise<void>;
  /** Source ports of what it saw. */
  passed(): Promise<ReadonlySet<number>>;
}

const { uplink } = TOPOLOGY.node;

const TABLE = `
table inet witness
delete table inet witness
table inet witness {
  set passed { type inet_service; flags dynamic; size 65535; }
  chain arriving { type filter hook input priority 300; ct status ! dnat ct direction original update @passed { th sport }; }
  chain leaving { type filter hook postrouting priority 300; oifname "${uplink}" ct status ! dnat ct direction original update @passed { th sport }; }
}`;

/** A table of nft, which disturbs no backend. */
export async function nftWitness(runner: CommandRunner): Promise<Witness> {
  const run = runWith(runner);
  await run('nft', ['-f', '-'], TABLE);
  return {
    flush: async () => {
      await run('nft', ['flush', 'set', 'inet', 'witness', 'passed']);
    },
    passed: async () => {
      const listing = await run('nft', ['-n', 'list', 'set', 'inet', 'witness', 'passed']);
      const elements = /elements = \{([^}]*)\}/.exec(listing)?.[1] ?? '';
      return new Set(Array.from(elements.matchAll(/\d+/g), ([port]) => Number(port)));
    },
  };
}

/**
 * An ipset that legacy iptables fills, for kernels whose nft has no IPv4 and IPv6. Of all chains that packets to the node
 * meet, only `nat INPUT` comes after IPVS has taken its own. Packets of the node to itself do not meet that one; what
 * IPVS takes of these does not come in as it was sent.
 */
export async function ipsetWitness(runner: CommandRunner): Promise<Witness> {
  const run = runWith(runner);
  const note = '-m conntrack ! --ctstate DNAT --ctdir ORIGINAL -j SET --add-set witness src --exist';
  const rules = [
    '*nat',
    `-I INPUT ${note}`,
    'COMMIT',
    '*mangle',
    `-I POSTROUTING -o ${uplink} ${note}`,
    'COMMIT',
    '*security',
    `-I INPUT -i lo ${note}`,
    'COMMIT',
    '',
  ].join('\n');
  await run('ipset', ['create', 'witness', 'bitmap:port', 'range', '0-65535']);
  for (const program of ['iptables', 'ip6tables']) await run(`${program}-legacy-restore`, ['--noflush'], rules);
  return {
    flush: async () => {
      await run('ipset', ['flush', 'witness']);
    },
    passed: async () => {
      const listing = await run('ipset', ['list', 'witness']);
      return new Set(Array.from(listing.matchAll(/^\d+$/gm), ([port]) => Number(port)));
    },
  };
}

function runWith(runner: CommandRunner) {
  return async (file: string, args: readonly string[], input = ''): Promise<string> => {
    const { exitCode, stdout, stderr } = await runner.run(file, args, { input });
    if (exitCode !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
}
