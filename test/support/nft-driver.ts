import { NftDriver } from '../../src/backend/nft/driver.ts';
import { NftSession } from '../../src/kernel/nft-session.ts';
import type { IpFamily } from '../../src/model/address.ts';
import type { FakeNft } from './fake-nft.ts';
import { FakeRunner } from './fake-runner.ts';

/** Talks to the fake kernel where the real one talks to a child process. */
class FakeNftSession extends NftSession {
  readonly lines: string[] = [];
  closed = false;
  readonly #nft: FakeNft;

  constructor(nft: FakeNft) {
    super();
    this.#nft = nft;
  }

  override async run(line: string): Promise<string> {
    this.lines.push(line);
    return this.#nft.run(line);
  }

  override async close(): Promise<void> {
    this.closed = true;
  }
}

/** The real driver on a fake kernel. */
export function fakeNftDriver(nft: FakeNft, family: IpFamily) {
  const runner = new FakeRunner(({ command, input = '' }) => {
    if (command === 'nft -f -') {
      const stderr = nft.run(input);
      return { exitCode: stderr === '' ? 0 : 1, stderr };
    }
    if (command.startsWith('nft list chains ')) return { stdout: nft.listChains() };
    const stdout = nft.listTable(command.replace('nft list table ', ''));
    return stdout === '' ? { exitCode: 1, stderr: 'Error: No such file or directory\n' } : { stdout };
  });
  const session = new FakeNftSession(nft);
  const settings = { masqueradeBit: 14, conntrackBeLiberal: true };
  return { driver: new NftDriver({ family, runner, settings }, session), runner, session };
}
