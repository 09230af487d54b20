import { SluiceError } from '../../src/base/errors.ts';
import type { CommandOptions, CommandResult, CommandRunner } from '../../src/kernel/command.ts';
import { FakeIptables } from './fake-iptables.ts';

interface FakeSet {
  definition: string;
  readonly entries: Map<string, string>;
}

interface FakeServer {
  flags: string;
  readonly destinations: Map<string, string>;
}

/** What a tool says when the kernel refuses. */
type Refusal = string | undefined;

/** What the kernel prints for options that it has by default. */
const KERNEL_EXTRAS = ' hashsize 1024';

/** The kernel behind ipset, ipvsadm and ip, with its opinions; the iptables programs are {@link FakeIptables}. */
export class FakeIpvs implements CommandRunner {
  readonly iptables = new FakeIptables({ installed: { '-nft': 'nf_tables', '': 'nf_tables' } });
  readonly sets = new Map<string, FakeSet>();
  readonly servers = new Map<string, FakeServer>();
  /** Connections by `server destination`; 0 where nothing is said. */
  readonly connections = new Map<string, number>();
  /** Of kube-ipvs0; `undefined` when it does not exist. */
  addresses: Set<string> | undefined;
  /** Program, arguments and input, in order. */
  readonly calls: { readonly call: string; readonly input: string }[] = [];
  /** How many more lines take effect, a restore of iptables being one; then the programs are as if killed. */
  linesLeft = Infinity;
  /** Called after each line that took effect. */
  onLine: (() => void) | undefined;
  /** Answers instead of the kernel. */
  override: ((call: string) => Partial<CommandResult> | undefined) | undefined;

  async run(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const call = [program, ...args].join(' ');
    const input = options.input ?? '';
    this.calls.push({ call, input });
    options.onStarted?.(this.calls.length);
    const overridden = this.override?.(call);
    if (overridden !== undefined) return result(overridden);
    if (/^ip6?tables/.test(program)) return this.#runIptables(program, args, options);
    const lines = input.split('\n').filter((line) => line !== '');
    switch (call) {
      case 'ipset save':
        return result({ stdout: this.#saveSets() });
      case 'ipset --version':
        return result({ stdout: 'ipset v7.17, protocol version: 7\n' });
      case 'ipset restore':
        return this.#each(
          lines,
          (line) => this.#ipset(line),
          (line, text) => `ipset v7.17: Error in line ${line}: ${text}\n`,
        );
      case 'ipvsadm --save --numeric':
        return result({ stdout: this.#saveServers() });
      case 'ipvsadm --restore':
        return this.#ipvsadm(lines);
      case 'ip -batch -':
        return this.#each(
          lines,
          (line) => this.#ip(line),
          (line, text) => `${text}\nCommand failed -:${line}\n`,
        );
      case 'ip -o address show dev kube-ipvs0':
        return this.#showAddresses();
      case 'cat /proc/net/ip_vs':
        return result({ stdout: this.#table() });
      default:
        throw new SluiceError({ code: 'command-missing', message: `no ${call}` });
    }
  }

  /** What a tool was fed since the last call of this, and how often it was called. */
  takeCalls(): readonly string[] {
    const taken = this.calls.splice(0);
    return taken.filter(({ input }) => input !== '').map(({ call, input }) => `${call}\n${input}`);
  }

  async #runIptables(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
    for (const [, name = ''] of (options.input ?? '').matchAll(/--(?:match|map)-set (\S+)/g)) {
      if (!this.sets.has(name))
        return result({ exitCode: 2, stderr: `iptables-restore: Set ${name} doesn't exist.\n` });
    }
    if (options.input === undefined) return this.iptables.run(program, args, options);
    if (this.linesLeft === 0) return result({ exitCode: 137 });
    const done = await this.iptables.run(program, args, options);
    this.#lineDone();
    return done;
  }

  #lineDone(): void {
    this.linesLeft -= 1;
    this.onLine?.();
  }

  /** Stops at the first line that is refused. */
  #each(
    lines: readonly string[],
    run: (line: string) => Refusal,
    tell: (line: number, text: string) => string,
  ): CommandResult {
    for (const [index, line] of lines.entries()) {
      if (this.linesLeft === 0) return result({ exitCode: 137 });
      const refusal = run(line);
      if (refusal !== undefined) return result({ exitCode: 1, stderr: tell(index + 1, refusal) });
      this.#lineDone();
    }
    return result({});
  }

  #ipset(line: string): Refusal {
    const [verb = '', name = '', ...rest] = line.split(' ');
    const set = this.sets.get(name);
    if (verb === 'create') {
      if (set !== undefined) return 'Set cannot be created: set with the same name already exists';
      this.sets.set(name, { definition: rest.join(' '), entries: new Map() });
      return name.length > 31 ? 'Setname is too long' : undefined;
    }
    if (set === undefined) return 'The set with the given name does not exist';
    const [entry = '', ...data] = rest;
    switch (verb) {
      case 'add':
        if (data.at(-1) === '-exist') data.pop();
        else if (set.entries.has(entry)) return "Element cannot be added to the set: it's already added";
        set.entries.set(entry, data.join(' '));
        return undefined;
      case 'del':
        return set.entries.delete(entry) ? undefined : "Element cannot be deleted from the set: it's not added";
      case 'flush':
        set.entries.clear();
        return undefined;
      case 'destroy':
        if (this.#isReferred(name)) return 'Set cannot be destroyed: it is in use by a kernel component';
        this.sets.delete(name);
        return undefined;
      case 'swap':
        return this.#swap(name, entry);
      default:
        return `Unknown argument ${verb}`;
    }
  }

  #swap(one: string, other: string): Refusal {
    const [a, b] = [this.sets.get(one), this.sets.get(other)];
    if (a === undefined || b === undefined) return 'The set with the given name does not exist';
    if (a.definition.split(' ')[0] !== b.definition.split(' ')[0]) return 'The sets cannot be swapped: type mismatch';
    this.sets.set(one, b);
    this.sets.set(other, a);
    return undefined;
  }

  #isReferred(set: string): boolean {
    const programs = ['iptables', 'ip6tables'] as const;
    return programs.some((program) => this.iptables.tables(program, 'nf_tables').save().includes(`-set ${set} `));
  }

  /** Goes on after an error; the exit code is that of the last line. */
  #ipvsadm(lines: readonly string[]): CommandResult {
    let stderr = '';
    let exitCode = 0;
    for (const line of lines) {
      if (this.linesLeft === 0) return result({ exitCode: 137, stderr });
      const refusal = this.#server(line);
      exitCode = refusal === undefined ? 0 : 255;
      if (refusal === undefined) this.#lineDone();
      else stderr += `${refusal}\n`;
    }
    return result({ exitCode, stderr });
  }

  #server(line: string): Refusal {
    const [, verb = '', key = '', rest = ''] = /^-(\w) (\S+ \S+(?: -6)?)(?: (.*))?$/.exec(line) ?? [];
    const server = this.servers.get(key);
    if (verb === 'A') {
      if (server !== undefined) return 'Service already exists';
      if (rest.includes('-s nosuch')) return 'Scheduler or persistence engine not found';
      this.servers.set(key, { flags: rest, destinations: new Map() });
      return undefined;
    }
    if (server === undefined) return 'No such service';
    if (verb === 'D') this.servers.delete(key);
    else if (verb === 'E') server.flags = rest;
    else return this.#destination(server, verb, rest);
    return undefined;
  }

  #destination({ destinations }: FakeServer, verb: string, rest: string): Refusal {
    const [, address = '', options = ''] = /^-r (\S+)(?: (.*))?$/.exec(rest) ?? [];
    if (verb === 'a' && destinations.has(address)) return 'Destination already exists';
    if (verb !== 'a' && !destinations.has(address)) return 'No such destination';
    if (verb === 'd') destinations.delete(address);
    else destinations.set(address, options);
    return undefined;
  }

  #ip(line: string): Refusal {
    const [, address = ''] = /^address (?:add|del) (\S+)\/(?:32|128) dev kube-ipvs0$/.exec(line) ?? [];
    if (/^link add \S+ type dummy$/.test(line)) {
      if (!line.includes('kube-ipvs0')) return undefined;
      if (this.addresses !== undefined) return 'RTNETLINK answers: File exists';
      this.addresses = new Set();
      return undefined;
    }
    if (line.startsWith('link del ')) {
      if (line.endsWith('kube-ipvs0')) this.addresses = undefined;
      return undefined;
    }
    if (this.addresses === undefined) return 'Cannot find device "kube-ipvs0"';
    if (line.startsWith('address add')) {
      if (this.addresses.has(address)) return 'Error: ipv4: Address already assigned.';
      this.addresses.add(address);
      return undefined;
    }
    return this.addresses.delete(address) ? undefined : 'Error: ipv4: Address not found.';
  }

  #saveSets(): string {
    return [...this.sets]
      .map(([name, { definition, entries }]) => {
        const type = definition.replace(/( maxelem \d+)/, `${KERNEL_EXTRAS}$1`);
        const random = type.startsWith('hash:') ? ' bucketsize 12 initval 0x40a882fb' : '';
        const rows = [...entries].map(([entry, data]) => `add ${name} ${entry}${data === '' ? '' : ` ${data}`}\n`);
        return `create ${name} ${type}${random}\n${rows.toReversed().join('')}`;
      })
      .join('');
  }

  #saveServers(): string {
    return [...this.servers]
      .map(([key, { flags, destinations }]) => {
        const rows = [...destinations].map(([address, options]) => `-a ${key} -r ${address} ${options}\n`);
        return `-A ${key} ${flags}\n${rows.toReversed().join('')}`;
      })
      .join('');
  }

  #showAddresses(): CommandResult {
    if (this.addresses === undefined) {
      return result({ exitCode: 1, stderr: 'Device "kube-ipvs0" does not exist.\n' });
    }
    const rows = [...this.addresses].map((address) =>
      address.includes(':')
        ? `5: kube-ipvs0    inet6 ${address}/128 scope global \\       valid_lft forever preferred_lft forever\n`
        : `5: kube-ipvs0    inet ${address}/32 scope global kube-ipvs0\\       valid_lft forever preferred_lft forever\n`,
    );
    return result({ stdout: rows.join('') });
  }

  #table(): string {
    const head =
      'IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n';
    const rows = [...this.servers].map(([key, { destinations }]) => {
      const targets = [...destinations].map(([address, options]) => {
        const weight = / -w (\d+)/.exec(` ${options}`)?.[1] ?? '1';
        const active = this.connections.get(`${key} ${address}`) ?? 0;
        return `  -> ${hexSocket(address)}      Masq    ${weight}      ${active}          0         \n`;
      });
      return `${tableKey(key)} rr \n${targets.join('')}`;
    });
    return head + rows.join('');
  }
}

function result(parts: Partial<CommandResult>): CommandResult {
  return { exitCode: 0, stdout: '', stderr: '', ...parts };
}

function tableKey(key: string): string {
  const [option = '', target = ''] = key.split(' ');
  if (option === '-f') return `FWM  ${Number(target).toString(16).toUpperCase().padStart(8, '0')}`;
  return `${{ '-t': 'TCP ', '-u': 'UDP ' }[option] ?? 'SCTP'} ${hexSocket(target)}`;
}

/** As the kernel prints addresses: hexadecimal, and IPv6 in full. */
function hexSocket(socket: string): string {
  const colon = socket.lastIndexOf(':');
  const port = Number(socket.slice(colon + 1))
    .toString(16)
    .toUpperCase()
    .padStart(4, '0');
  const host = socket.slice(0, colon);
  if (!host.startsWith('[')) {
    const bytes = host.split('.').map((byte) => Number(byte).toString(16).toUpperCase().padStart(2, '0'));
    return `${bytes.join('')}:${port}`;
  }
  const [head = '', tail] = host.slice(1, -1).split('::');
  const [left, right] = [head, tail ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - (left?.length ?? 0) - (right?.length ?? 0) }, () => '0');
  const groups = [...(left ?? []), ...(tail === undefined ? [] : zeros), ...(right ?? [])];
  return `[${groups.map((group) => group.padStart(4, '0')).join(':')}]:${port}`;
}
