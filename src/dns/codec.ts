// The one file that knows dns2. It reads any record type, at 20 µs a message: for tools and tests. Packets of strangers
// never get here before wire/query.ts has looked at them.
import { Packet } from 'dns2';
import { TYPE, typeName } from './wire/constants.ts';

export { Packet };

type Resource = InstanceType<typeof Packet>['answers'][number];

const RCODES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
};

/** The answers of a reply in the style of `dig`, one line each. */
export function renderAnswers(reply: Uint8Array): readonly string[] {
  return Packet.parse(Buffer.from(reply)).answers.map(recordLine);
}

/** A reply in the style of `dig`, one line each. */
export function renderReply(reply: Uint8Array): readonly string[] {
  const packet = Packet.parse(Buffer.from(reply));
  const { header } = packet;
  const flags = ['qr', 'aa', 'tc', 'rd', 'ra'].filter((flag) => header[flag as 'qr' | 'aa' | 'tc' | 'rd' | 'ra'] === 1);
  const sections = [
    ['ANSWER', packet.answers],
    ['AUTHORITY', packet.authorities],
    ['ADDITIONAL', packet.additionals.filter(({ type }) => type !== TYPE.OPT)],
  ] as const;
  const status = RCODES[header.rcode] ?? String(header.rcode);
  return [
    `;; status: ${status}; flags: ${flags.join(' ')}; ${sections.map(([name, { length }]) => `${name}: ${length}`).join(', ')}`,
    ';; QUESTION SECTION:',
    ...packet.questions.map(({ name, type }) => `;${name}.\tIN\t${typeName(type)}`),
    ...sections.flatMap(([name, records]) =>
      records.length === 0 ? [] : [`;; ${name} SECTION:`, ...records.map(recordLine)],
    ),
  ];
}

function recordLine(record: Resource): string {
  return `${record.name}.\t${record.ttl}\tIN\t${typeName(record.type)}\t${dataText(record)}`;
}

function dataText(record: Resource): string {
  switch (record.type) {
    case TYPE.SRV:
      return `${record.priority} ${record.weight} ${record.port} ${record.target}.`;
    case TYPE.SOA:
      return [
        `${record.primary}. ${record.admin}.`,
        record.serial,
        record.refresh,
        record.retry,
        record.expiration,
        record.minimum,
      ].join(' ');
    case TYPE.TXT:
      return [record.data ?? '']
        .flat()
        .map((text) => JSON.stringify(String(text)))
        .join(' ');
    default: {
      const name = record.domain ?? record.ns;
      if (name !== undefined) return `${name}.`;
      // RFC 3597: data of a type that is not known here.
      return (
        record.address ??
        (Buffer.isBuffer(record.data) ? `\\# ${record.data.length} ${record.data.toString('hex')}` : '')
      );
    }
  }
}

/** The number of a type by its name, as `TYPE65` or as `65`. @returns `undefined` when there is no such type. */
export function parseType(text: string): number | undefined {
  const upper = text.toUpperCase();
  const named = Object.entries({ ...Packet.TYPE, ...TYPE }).find(([name]) => name === upper)?.[1];
  if (named !== undefined) return named;
  const [, digits] = /^(?:TYPE)?(\d{1,5})$/.exec(upper) ?? [];
  return digits === undefined || Number(digits) > 0xff_ff ? undefined : Number(digits);
}
