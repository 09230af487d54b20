import { SluiceError, toSluiceError } from '../../base/errors.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import type { IpFamily } from '../../model/address.ts';
import type { ChangeSet } from '../rules.ts';
import { objectId } from '../xtables/names.ts';
import { Xtables } from '../xtables/xtables.ts';
import type { Programs } from '../xtables/variant.ts';
import { OTHER_BACKEND, unsupported } from './failure.ts';
import { Machine } from './machine.ts';
import { setDefinition, SETS } from './names.ts';

export interface RehearsalOptions {
  readonly runner: CommandRunner;
  readonly programs: Programs;
  readonly families: readonly IpFamily[];
  readonly scheduler: string;
}

/** An address for documentation (RFC 5737), which no Service has; the port is kube-proxy's for the same purpose. */
const TRIAL_SERVER = '-t 198.51.100.0:20000';
const TRIAL_DEVICE = 'kube-ipvs-try';
const TRIAL_CHAIN = 'KUBE-IPVS-TRY';

/**
 * Tries every kind of thing that the backend will write, and takes it away again: what the kernel lacks shows before the first
 * Service depends on half of it.
 *
 * @throws {SluiceError} `kernel-unsupported` with the module that is missing, and others when it could not be tried.
 */
export async function rehearse(options: RehearsalOptions): Promise<void> {
  const machine = new Machine(options.runner);
  await tryScheduler(machine, options.scheduler);
  await trying('a dummy device (module dummy)', () =>
    machine.write('ip', [`link add ${TRIAL_DEVICE} type dummy`, `link del ${TRIAL_DEVICE}`]),
  );
  for (const family of options.families) await tryRules(machine, family, options);
}

async function tryScheduler(machine: Machine, scheduler: string): Promise<void> {
  const hint = `load the module ip_vs_${scheduler}, choose another --ipvs-scheduler, or ${OTHER_BACKEND}`;
  try {
    await machine.write('ipvsadm', [`-A ${TRIAL_SERVER} -s ${scheduler}`]);
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (!error.message.includes('Scheduler')) throw error;
    const message = `the kernel has no IPVS scheduler ${scheduler}`;
    throw new SluiceError({ code: 'kernel-unsupported', message, hint, cause: error });
  }
  await machine.write('ipvsadm', [`-D ${TRIAL_SERVER}`]);
}

async function tryRules(machine: Machine, family: IpFamily, { runner, programs }: RehearsalOptions): Promise<void> {
  const kinds = Object.values(SETS).map((kind) => setDefinition(family, kind));
  const sets = [...new Set(kinds)].map((definition, i) => ({ name: `KUBE-TRY-${i}`, definition }));
  const marks = sets.find(({ definition }) => definition.endsWith('skbinfo'))?.name ?? '';
  const xtables = new Xtables({ runner, family, programs, ownership: () => true });
  try {
    await trying(`ipsets of all types for ${family} (modules ip_set_hash_* and ip_set_bitmap_port)`, () =>
      machine.write(
        'ipset',
        sets.map(({ name, definition }) => `create ${name} ${definition}`),
      ),
    );
    await trying(`rules that read ipsets and know IPVS for ${family} (modules xt_set, xt_ipvs)`, () =>
      xtables.write(trialChains(marks)),
    );
  } finally {
    await xtables.write(inverse(trialChains(marks))).catch(() => undefined);
    await removeSets(
      machine,
      sets.map(({ name }) => `destroy ${name}`),
    );
  }
}

/** One that was not made cannot be removed, which keeps no other from going. */
async function removeSets(machine: Machine, lines: readonly string[]): Promise<void> {
  try {
    await machine.write('ipset', lines);
  } catch {
    for (const line of lines) await machine.write('ipset', [line]).catch(() => undefined);
  }
}

/** In chains that nothing jumps to. */
function trialChains(set: string): ChangeSet {
  const chain = (table: 'nat' | 'mangle', line: string): ChangeSet['objects'][number] => ({
    id: objectId(table, TRIAL_CHAIN),
    before: undefined,
    after: { ordered: true, definition: 'chain', lines: [line] },
  });
  return {
    objects: [
      chain('nat', '-m ipvs --ipvs -m addrtype --src-type LOCAL -j MASQUERADE'),
      chain('mangle', `-m set --match-set ${set} dst,dst -j SET --map-set ${set} dst,dst --map-mark`),
    ],
    members: [],
  };
}

function inverse({ objects }: ChangeSet): ChangeSet {
  return { objects: objects.map(({ id, before, after }) => ({ id, before: after, after: before })), members: [] };
}

async function trying(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (error.code !== 'kernel-refused' && error.code !== 'kernel-unsupported') throw error;
    throw unsupported(`the kernel has no ${what}: ${error.message}`, error.data);
  }
}
