import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineProcess } from '../../../src/kernel/process.ts';
import { startLineProcess } from '../../../src/kernel/process.ts';
import { SluiceCommand } from '../program-command.ts';

/** The binary of a CoreDNS; empty where tests are to do without. */
export const COREDNS = process.env['SLUICE_TEST_COREDNS'] ?? '';

/** How names of pods are treated, in the words of a Corefile, and what makes the same of sluice. */
export interface DnsVariant {
  readonly name: string;
  /** Lines of the `kubernetes` plugin. */
  readonly corefile: readonly string[];
  readonly flags: readonly string[];
  readonly ports: { readonly coredns: number; readonly sluice: number };
}

export const DNS_VARIANTS = [
  {
    name: 'pods insecure',
    corefile: ['pods insecure', 'ttl 30'],
    flags: [],
    ports: { coredns: 5301, sluice: 5401 },
  },
  {
    name: 'pods verified',
    corefile: ['pods verified', 'ttl 5', 'endpoint_pod_names'],
    flags: ['--dns-pods', 'verified', '--dns-ttl', '5', '--dns-endpoint-pod-names'],
    ports: { coredns: 5302, sluice: 5402 },
  },
  {
    name: 'pods disabled',
    corefile: ['pods disabled', 'ttl 3600'],
    flags: ['--dns-pods', 'disabled', '--dns-ttl', '3600'],
    ports: { coredns: 5303, sluice: 5403 },
  },
] as const satisfies readonly DnsVariant[];

const STOP_MS = 5000;

interface Surroundings {
  readonly api: string;
  readonly upstream: string;
}

/** One CoreDNS with a server block for each variant, and a sluice for each. */
export class DnsServers {
  readonly #folder: string;
  readonly #coredns: LineProcess;
  readonly #sluice: readonly SluiceCommand[];

  private constructor(folder: string, coredns: LineProcess, sluice: readonly SluiceCommand[]) {
    this.#folder = folder;
    this.#coredns = coredns;
    this.#sluice = sluice;
  }

  /** They answer as soon as they can; nobody waits for that here. */
  static async start(around: Surroundings): Promise<DnsServers> {
    const folder = await mkdtemp('/run/sluice-coredns-');
    const corefile = join(folder, 'Corefile');
    await writeFile(corefile, DNS_VARIANTS.map((variant) => blockOf(variant, around)).join(''));
    const coredns = await startLineProcess({ file: COREDNS, args: ['-conf', corefile], onLine: () => undefined });
    const sluice = DNS_VARIANTS.map(({ ports, flags }) => {
      const listen = ['--master', around.api, '--listen', `127.0.0.1:${ports.sluice}`, '--upstream', around.upstream];
      return new SluiceCommand(['dns', ...listen, ...flags, '--log-level', 'error']);
    });
    return new DnsServers(folder, coredns, sluice);
  }

  /** The last words of all of them. */
  get words(): string {
    return [this.#coredns.stderrTail(), ...this.#sluice.map(({ stderr }) => stderr)].join('\n');
  }

  async stop(): Promise<void> {
    try {
      process.kill(this.#coredns.pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
    await this.#coredns.stop(STOP_MS);
    await Promise.all(this.#sluice.map((command) => command.signal('SIGTERM')));
    await rm(this.#folder, { recursive: true });
  }
}

/** As kubeadm has it, with the size of replies that sluice has, without the cache, which would be a server in front of this one. */
function blockOf({ corefile, ports }: DnsVariant, { api, upstream }: Surroundings): string {
  return `.:${ports.coredns} {
  bind 127.0.0.1
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    endpoint ${api}
    ${corefile.join('\n    ')}
    fallthrough in-addr.arpa ip6.arpa
  }
  forward . ${upstream}
  bufsize 1232
  loadbalance
}
`;
}
