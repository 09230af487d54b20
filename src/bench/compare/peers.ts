import { basename } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import type { ContenderSpec } from './contender.ts';
import type { ProxyMode } from './files.ts';
import { modesIn } from './files.ts';

/** What sluice itself is called among contenders. */
export const SLUICE = 'sluice';

/** Short-lived objects are few after the start; without this V8 keeps three times 16 MB for them. The bundle's first line has it too. */
const NODE_OPTIONS = ['--max-semi-space-size=2'];

/** This very program as a contender, on the Node that it runs on. @param program its file. */
export function ownContender(program: string): ContenderSpec {
  const command = [process.execPath, ...NODE_OPTIONS, program].map(quote).join(' ');
  const args = 'run --config {config}';
  return { name: SLUICE, command: `${command} ${args}`, shown: `sluice ${args}` };
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

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
