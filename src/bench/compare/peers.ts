import { basename } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { launchCommand } from '../../base/launch.ts';
import type { ContenderSpec } from './contender.ts';
import type { ProxyMode } from './files.ts';
import { modesIn } from './files.ts';

/** What sluice itself is called among contenders. */
export const SLUICE = 'sluice';

/** This very program as a contender, on the Node that it runs on. @param program its file. */
export function ownContender(program: string): ContenderSpec {
  const args = 'run --config {config}';
  return { name: SLUICE, command: `${launchCommand(program)} ${args}`, shown: `sluice ${args}` };
}

/**
 * Contenders out of `[NAME=]COMMAND`, where the name is one word and by default that of the program with the mode of its configuration; equal
 * names get numbers.
 *
 * @throws {SluiceError} `bad-config` for commands without `{config}`.
 */
export function parsePeers(texts: readonly string[], mode: ProxyMode): readonly ContenderSpec[] {
  const taken = new Map<string, number>([[SLUICE, 1]]);
  return texts.map((text) => {
    const [, given, rest = text] = /^([\w.-]+)=(.*)$/s.exec(text) ?? [];
    const command = rest.trim();
    const [ownMode = mode] = modesIn(command, mode);
    const [path = ''] = /^\S*/.exec(command) ?? [];
    if (path === '' || path.includes('{config')) {
      throw new SluiceError({ code: 'bad-config', message: `--peer: "${text}" has no program` });
    }
    const program = basename(path).replace(/\.\w+$/, '');
    const name = given ?? (ownMode === mode ? program : `${program} ${ownMode}`);
    const nth = (taken.get(name) ?? 0) + 1;
    taken.set(name, nth);
    return { name: nth === 1 ? name : `${name} ${nth}`, command, shown: basename(path) + command.slice(path.length) };
  });
}
