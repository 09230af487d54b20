import { SluiceError } from '../base/errors.ts';
import type { IpAddress } from '../model/address.ts';
import { familyOf } from '../model/address.ts';
import type { CommandRunner } from './command.ts';

/**
 * Gives this machine an address of its own, on the loopback interface; one that it has there stays.
 *
 * @throws {SluiceError} `command-missing` without ip, `command-failed`.
 */
export async function addLoopbackAddress(address: IpAddress, runner: CommandRunner): Promise<void> {
  // Nobody else can have an IPv6 address on this interface, and looking for them would take a second. No packet to
  // elsewhere is to have an IPv4 address of this kind as its source.
  const more = familyOf(address) === 'IPv6' ? ['nodad'] : ['scope', 'host'];
  const { exitCode, stderr } = await runner.run('ip', ['address', 'replace', prefixOf(address), 'dev', 'lo', ...more]);
  if (exitCode === 0) return;
  throw new SluiceError({
    code: 'command-failed',
    message: `cannot add ${address} to the loopback interface: ${stderr.trim()}`,
    hint: 'it needs root or the capability NET_ADMIN, and for IPv6 addresses a kernel that has IPv6 switched on for lo',
    data: { file: 'ip' },
  });
}

/** @returns whether it was there. @throws {SluiceError} `command-missing` without ip. */
export async function removeLoopbackAddress(address: IpAddress, runner: CommandRunner): Promise<boolean> {
  const { exitCode } = await runner.run('ip', ['address', 'delete', prefixOf(address), 'dev', 'lo']);
  return exitCode === 0;
}

function prefixOf(address: IpAddress): string {
  return `${address}/${familyOf(address) === 'IPv4' ? 32 : 128}`;
}
