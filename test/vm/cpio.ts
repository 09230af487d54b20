import { Buffer } from 'node:buffer';

/** One entry of an archive; folders have to come before what is in them. */
export interface CpioEntry {
  /** Without a slash in front. */
  readonly path: string;
  /** Type and permissions as in stat(2). */
  readonly mode: number;
  readonly content: Uint8Array;
}

export const FOLDER_MODE = 0o04_0755;
export const PROGRAM_MODE = 0o10_0755;

const TRAILER: CpioEntry = { path: 'TRAILER!!!', mode: 0, content: new Uint8Array() };

/** Spells an archive as the kernel unpacks it at boot: "newc", Documentation/driver-api/early-userspace/buffer-format.rst. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  return Buffer.concat([...entries, TRAILER].flatMap((entry, index) => spell(entry, index + 1)));
}

function spell({ path, mode, content }: CpioEntry, inode: number): readonly Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const [owner, group, links, modified, device, special, checksum] = [0, 0, 1, 0, [0, 0], [0, 0], 0] as const;
  const fields = [
    inode,
    mode,
    owner,
    group,
    links,
    modified,
    content.length,
    ...device,
    ...special,
    name.length,
    checksum,
  ];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), content, padding(content.length)];
}

/** Name and content each end at a multiple of four bytes. */
function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
