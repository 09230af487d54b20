import { SluiceError, toSluiceError } from '../../base/errors.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { IP_FAMILIES } from '../../model/address.ts';
import type { Programs, Variant } from './variant.ts';
import { hasKubeletHint, INFIXES, parseVersion, programName, VARIANTS } from './variant.ts';

/** One set of programs per variant that is installed; the plain names only where there are no others. */
export async function findPrograms(runner: CommandRunner): Promise<readonly Programs[]> {
  const found = await Promise.all(INFIXES.map((infix) => askVersion(runner, infix)));
  const known = found.filter((programs) => programs !== undefined);
  return VARIANTS.flatMap((variant) => known.find((programs) => programs.variant === variant) ?? []);
}

async function askVersion(runner: CommandRunner, infix: string): Promise<Programs | undefined> {
  const program = programName('IPv4', { infix }, '');
  try {
    const { exitCode, stdout } = await runner.run(program, ['--version']);
    return exitCode === 0 ? parseVersion(infix, stdout) : undefined;
  } catch (thrown) {
    const error = toSluiceError(thrown);
    if (error.code === 'command-missing') return undefined;
    throw error;
  }
}

/**
 * The variant that kubelet uses on this node, as the wrapper in Kubernetes images finds it; without a trace of kubelet
 * the one that plain `iptables` is.
 *
 * @throws {SluiceError} `command-missing` when the programs of the wanted variant, or of any, are not installed.
 */
export async function choosePrograms(runner: CommandRunner, wanted?: Variant): Promise<Programs> {
  const installed = await findPrograms(runner);
  if (wanted !== undefined) return installed.find(({ variant }) => variant === wanted) ?? missingPrograms(wanted);
  for (const programs of installed) {
    if (await kubeletUses(runner, programs)) return programs;
  }
  const usual = await askVersion(runner, '');
  return installed.find(({ variant }) => variant === usual?.variant) ?? installed[0] ?? missingPrograms();
}

/** @throws {SluiceError} `command-missing`, always. */
export function missingPrograms(variant?: Variant): never {
  throw new SluiceError({
    code: 'command-missing',
    message: `the iptables programs${variant === undefined ? '' : ` of the variant ${variant}`} are not installed or not in PATH`,
    hint: 'install them (package iptables on most distributions), or choose another backend',
  });
}

async function kubeletUses(runner: CommandRunner, programs: Programs): Promise<boolean> {
  // Asking the legacy variant for a table would make it; without a name it shows those that exist.
  const args = programs.variant === 'legacy' ? [] : ['-t', 'mangle'];
  for (const family of IP_FAMILIES) {
    try {
      const { stdout } = await runner.run(programName(family, programs, '-save'), args);
      if (hasKubeletHint(stdout)) return true;
    } catch (thrown) {
      if (toSluiceError(thrown).code !== 'command-missing') throw thrown;
    }
  }
  return false;
}
