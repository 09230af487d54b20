import { SluiceError, toSluiceError } from '../../base/errors.ts';
import { PersistentMap } from '../../base/persistent-map.ts';
import { inSlices } from '../../base/steps.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { Conntrack } from '../../kernel/conntrack.ts';
import { kernelFamilies } from '../../kernel/families.ts';
import { watchIptables } from '../../kernel/iptables-watch.ts';
import { applyIpvsSettings } from '../../kernel/ipvs-settings.ts';
import { watchOutlines } from '../../kernel/outlines.ts';
import type { RuleWatch } from '../../kernel/rule-events.ts';
import type { SettingOutcome } from '../../kernel/sysctl.ts';
import type { IpFamily } from '../../model/address.ts';
import { IP_FAMILIES } from '../../model/address.ts';
import type { Plan } from '../../compiler/plan.ts';
import type { Backend, BackendSettings, IpvsSettings, Probe, WatchOptions } from '../contract.ts';
import type { ChangeSet, RuleObject, RuleSet } from '../rules.ts';
import { diffRuleSets, NO_RULES } from '../rules.ts';
import { describeRemoved } from '../xtables/describe.ts';
import { encodeChange as encodeChains } from '../xtables/encode.ts';
import { TABLES, WATCHED_CHAINS } from '../xtables/names.ts';
import { choosePrograms, findPrograms } from '../xtables/programs.ts';
import { isForIpvs, withoutShared } from '../xtables/shared.ts';
import type { Programs } from '../xtables/variant.ts';
import { Xtables } from '../xtables/xtables.ts';
import { IpvsDriver } from './driver.ts';
import { encodeChange, isChain, TOOLS } from './encode.ts';
import { explainIpvs } from './explain.ts';
import { OTHER_BACKEND, unsupported } from './failure.ts';
import { forgetUdpFlows } from './flows.ts';
import { Machine } from './machine.ts';
import type { Marks } from './marks.ts';
import { ADDRESSES, DEVICE, isOwnChain, setOfObject, VIRTUAL_SERVERS } from './names.ts';
import { outlineOf } from './outline.ts';
import { parseAddresses, parseMarks, parseServers, parseSets } from './parse.ts';
import { DEFAULT_IPVS, ipvsSpelling } from './render.ts';
import { rehearse } from './rehearsal.ts';
import type { Surroundings } from './surroundings.ts';
import { NO_SURROUNDINGS } from './surroundings.ts';
import { summarizeIpvs } from './summary.ts';

/** kube-proxy's ipvs mode: virtual servers of the kernel, ipsets, and a fixed set of iptables rules. */
export const ipvsBackend: Backend = {
  name: 'ipvs',
  proxyMode: 'ipvs',
  namesInterfaceAddresses: true,
  advice: {
    reason: 'IPVSDeprecation',
    // The versions are those of KEP-5495.
    text:
      'Kubernetes has deprecated the proxy mode ipvs: off by default in 1.40, gone in 1.43. To migrate, start sluice with --proxy-mode nftables ' +
      '(or mode: nftables in the file of --config). That takes over what is here in one go: new connections notice nothing, those that IPVS translates end',
  },
  spelling: ipvsSpelling,
  text,
  explain: explainIpvs,
  summarize: summarizeIpvs,
  probe,
  prepare,
  tuneHost,
  openDriver: (options) => new IpvsDriver(options),
  watch,
  cleanup,
  cleanupUnused,
};

function text({ family }: Plan, change: ChangeSet, { masqueradeBit }: BackendSettings): string {
  const { steps } = encodeChange(change, { family, masqueradeBit, surroundings: NO_SURROUNDINGS });
  const chains = encodeChains({ objects: change.objects.filter(({ id }) => isChain(id)), members: [] });
  return steps
    .map((step) =>
      step.tool === 'iptables'
        ? `# iptables-restore --noflush\n${chains}`
        : `# ${TOOLS[step.tool].join(' ')}\n${step.lines.join('\n')}\n`,
    )
    .join('');
}

async function probe(runner: CommandRunner): Promise<Probe> {
  const version = await asking(runner, 'ipset', ['--version']);
  const programs = await choosePrograms(runner);
  const listing = await asking(runner, 'ipvsadm', ['--save', '--numeric']);
  if (listing.exitCode !== 0) {
    if (/must be root|Permission denied/.test(listing.stderr)) {
      throw new SluiceError({
        code: 'permission-denied',
        message: 'ipvsadm may not list virtual servers',
        hint: 'run as root or with the capability NET_ADMIN (and in the network namespace of the node)',
      });
    }
    throw unsupported('this kernel has no IPVS (IP Virtual Server)', { stderr: listing.stderr });
  }
  const families = kernelFamilies();
  return {
    description: `ipvsadm, ipset ${/v([\d.]+)/.exec(version.stdout)?.[1] ?? 'of unknown version'}, iptables ${programs.version} (${programs.variant})`,
    families,
    missing: IP_FAMILIES.filter((family) => !families.includes(family)).map(
      (family) => `${family}: the kernel has it switched off`,
    ),
  };
}

async function asking(runner: CommandRunner, program: string, args: readonly string[]) {
  try {
    return await runner.run(program, args);
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (error.code !== 'command-missing') throw error;
    const { code, message, data } = error;
    throw new SluiceError({ code, message, hint: `${error.hint}, or ${OTHER_BACKEND}`, data, cause: error });
  }
}

async function prepare(runner: CommandRunner, settings: BackendSettings): Promise<void> {
  const { scheduler } = settings.ipvs ?? DEFAULT_IPVS;
  const programs = await choosePrograms(runner, settings.iptablesVariant);
  await rehearse({ runner, programs, families: kernelFamilies(), scheduler });
  await ensureDevice(new Machine(runner));
}

async function tuneHost(runner: CommandRunner, settings: BackendSettings): Promise<readonly SettingOutcome[]> {
  const { strictArp, timeoutsS } = settings.ipvs ?? DEFAULT_IPVS;
  await loadIpvs(runner);
  return [...(await applyIpvsSettings({ strictArp })), ...(await setTimeouts(runner, timeoutsS))];
}

/** The settings exist only once the kernel has the module; on a fresh node nobody has asked for it yet. */
async function loadIpvs(runner: CommandRunner): Promise<void> {
  if ((await new Machine(runner).table()) !== undefined) return;
  try {
    await runner.run('modprobe', ['ip_vs']);
  } catch (thrown) {
    if (toSluiceError(thrown).code !== 'command-missing') throw thrown;
  }
}

/** As kube-proxy: those that are 0 stay as they are. */
export async function setTimeouts(
  runner: CommandRunner,
  { tcp, tcpFin, udp }: IpvsSettings['timeoutsS'],
): Promise<readonly SettingOutcome[]> {
  if (tcp + tcpFin + udp === 0) return [];
  const wanted = `${tcp} ${tcpFin} ${udp}`;
  const { exitCode, stderr } = await runner.run('ipvsadm', ['--set', ...wanted.split(' ')]);
  const name = 'ipvs timeouts (tcp, tcpfin, udp)';
  return [
    exitCode === 0 ? { name, wanted, outcome: 'written' } : { name, wanted, outcome: 'failed', reason: stderr.trim() },
  ];
}

/** Nobody announces changes of virtual servers and ipsets. */
async function watch(options: WatchOptions): Promise<RuleWatch> {
  const { runner, settings } = options;
  const { variant } = await choosePrograms(runner, settings.iptablesVariant);
  const machine = new Machine(runner);
  const watches = [
    await watchIptables({ ...options, variant, tables: TABLES, chains: WATCHED_CHAINS }),
    watchOutlines({ ...options, outline: (family) => lookAt(machine, family) }),
  ];
  return { stop: async () => void (await Promise.all(watches.map((one) => one.stop()))) };
}

async function lookAt(machine: Machine, family: IpFamily): Promise<string> {
  const [setHeads, addresses, table] = await Promise.all([machine.setHeads(), machine.addresses(), machine.table()]);
  return inSlices(outlineOf({ setHeads, addresses, table }, family));
}

/** Both families have it in common, so it is there before either of them writes. */
async function ensureDevice(machine: Machine): Promise<void> {
  if ((await machine.addresses()) === undefined) await machine.write('ip', [`link add ${DEVICE} type dummy`]);
}

/** Rules first, since they refer to ipsets; those last, since virtual servers are recognised by them. */
async function cleanup(runner: CommandRunner): Promise<readonly string[]> {
  const families = kernelFamilies();
  const removed = [...(await removeChains(await findPrograms(runner), runner))];
  const machine = new Machine(runner);
  const conntrack = new Conntrack(runner);
  const flows: (() => Promise<void>)[] = [];
  for (const family of families) {
    const objects = await readObjects(machine, family);
    const servers = membersOf(objects.rules.get(VIRTUAL_SERVERS));
    removed.push(...(await removeObjects(machine, family, objects)));
    flows.push(() => forgetUdpFlows(servers.keys(), { conntrack, family }));
  }
  const left = await machine.addresses();
  if (left !== undefined && families.every((family) => membersOf(parseAddresses(left, family)).size === 0)) {
    await machine.write('ip', [`link del ${DEVICE}`]);
    removed.push(`device ${DEVICE}`);
  }
  // Answers that were under way have arrived.
  for (const forget of flows) await forget();
  return removed;
}

/** The chains of the other variant of iptables alone. */
async function cleanupUnused(runner: CommandRunner, settings: BackendSettings): Promise<readonly string[]> {
  const used = await choosePrograms(runner, settings.iptablesVariant);
  const installed = await findPrograms(runner);
  return removeChains(
    installed.filter(({ variant }) => variant !== used.variant),
    runner,
  );
}

async function removeChains(installed: readonly Programs[], runner: CommandRunner): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const programs of installed) {
    for (const family of kernelFamilies()) {
      const xtables = new Xtables({ runner, family, programs, ownership: isOwnChain });
      const all = await xtables.read();
      const rules = isForIpvs(all) ? all : withoutShared(all);
      await xtables.write(diffRuleSets(rules, NO_RULES));
      removed.push(...describeRemoved(rules, family, programs));
    }
  }
  return removed;
}

interface Objects {
  readonly rules: RuleSet;
  readonly marks: Marks;
}

/**
 * Addresses, virtual servers and ipsets of one family. Virtual servers go first: as long as their addresses lead here, IPVS forgets
 * the connections that it can no longer serve, so that rules of another backend get them.
 */
async function removeObjects(
  machine: Machine,
  family: IpFamily,
  { rules, marks }: Objects,
): Promise<readonly string[]> {
  const surroundings: Surroundings = { ...NO_SURROUNDINGS, marks };
  const inputs = { family, masqueradeBit: 0, surroundings };
  const rest = rules.delete(VIRTUAL_SERVERS);
  for (const change of [diffRuleSets(rules, rest), diffRuleSets(rest, NO_RULES)]) {
    for (const step of encodeChange(change, inputs).steps) {
      if (step.tool !== 'iptables') await machine.write(step.tool, step.lines);
    }
  }
  const sets = [...rules.keys()].filter((id) => setOfObject(id) !== undefined).length;
  const counts: readonly (readonly [number, string])[] = [
    [membersOf(rules.get(VIRTUAL_SERVERS)).size, 'virtual servers'],
    [membersOf(rules.get(ADDRESSES)).size, `addresses of ${DEVICE}`],
    [sets, 'ipsets'],
  ];
  return counts.flatMap(([count, what]) => (count === 0 ? [] : [`${family}: ${count} ${what}`]));
}

/** Does not make the kernel load IPVS where it is not. */
async function readObjects(machine: Machine, family: IpFamily): Promise<Objects> {
  const addresses = await machine.addresses();
  const found = new Map(await inSlices(parseSets(await setsIfAny(machine), family)));
  if (addresses !== undefined) found.set(ADDRESSES, parseAddresses(addresses, family));
  const { objects, marks } = parseMarks(found, family);
  const rules = PersistentMap.of<RuleObject>(objects);
  if ((await machine.table()) === undefined) return { rules, marks };
  const traces = { family, objects, marks, excludeCidrs: [] };
  const { own } = await inSlices(parseServers(await machine.servers(), traces));
  return { rules: rules.set(VIRTUAL_SERVERS, { ordered: false, definition: '', members: own }), marks };
}

/** A kernel that knows no ipsets has none. */
async function setsIfAny(machine: Machine): Promise<string> {
  try {
    return await machine.sets();
  } catch (thrown) {
    if (toSluiceError(thrown).code === 'kernel-unsupported') return '';
    throw thrown;
  }
}

function membersOf(object: RuleObject | undefined): PersistentMap<readonly string[]> {
  return object === undefined || object.ordered ? PersistentMap.empty() : object.members;
}
