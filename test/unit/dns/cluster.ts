import { Packet } from '../../../src/dns/codec.ts';
import type { Forwarder } from '../../../src/dns/forward/forwarder.ts';
import type { ReplySettings } from '../../../src/dns/reply.ts';
import { Responder } from '../../../src/dns/responder.ts';
import { CLASS_IN, TYPE } from '../../../src/dns/wire/constants.ts';
import { encodeName } from '../../../src/dns/wire/name.ts';
import { MessageWriter } from '../../../src/dns/wire/writer.ts';
import type { ZoneSettings } from '../../../src/dns/zone/settings.ts';
import { DEFAULT_ZONE_SETTINGS } from '../../../src/dns/zone/settings.ts';
import { ClusterZone } from '../../../src/dns/zone/zone.ts';
import { parseYaml } from '../../../src/base/yaml.ts';
import type { DnsChange } from '../../../src/model/dns-change.ts';
import { dnsChangeOf } from '../../../src/model/dns-change.ts';
import type { DnsSliceOptions } from '../../../src/model/dns-slice.ts';
import { identify } from '../../../src/model/object.ts';

export const SERIAL = 1_700_000_000;

/** YAML documents as changes; a problem with any of them is a mistake of the test. */
export function changesFrom(yaml: string, options: DnsSliceOptions = {}): readonly DnsChange[] {
  return parseYaml(yaml).flatMap((document) => {
    const json = document.problem === undefined ? document.value : document.problem;
    const identity = identify(json);
    if (identity === undefined) throw new Error(`not an object for DNS: ${JSON.stringify(json)}`);
    const { change, problems } = dnsChangeOf({ ...identity, json }, options);
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    return change ?? [];
  });
}

export interface WorldOptions {
  readonly zone?: Partial<ZoneSettings>;
  readonly reply?: Partial<ReplySettings>;
  readonly forwarder?: Forwarder;
  readonly transferTo?: readonly string[];
  readonly synced?: boolean;
}

/** A cluster's DNS without sockets. */
export class DnsWorld {
  readonly zone: ClusterZone;
  readonly responder: Responder;

  constructor(yaml: string, options: WorldOptions = {}) {
    this.zone = new ClusterZone({ ...DEFAULT_ZONE_SETTINGS, headlessTtlS: 5, ...options.zone });
    if (options.synced !== false) this.zone.setSynced();
    this.zone.apply(changesFrom(yaml, { zonal: options.zone?.zonal ?? false }), SERIAL);
    this.responder = new Responder({
      zone: this.zone,
      settings: { maxUdpBytes: 1232, nsid: '', recursion: options.forwarder !== undefined, ...options.reply },
      forwarder: options.forwarder,
      transferTo: (options.transferTo ?? []) as never,
    });
  }

  /** The reply to any packet. */
  async send(packet: Uint8Array, transport: 'udp' | 'tcp' = 'udp'): Promise<Buffer | undefined> {
    const reply = await this.responder.handle(packet, { transport, address: '10.0.0.1' }).reply;
    return reply === undefined ? undefined : Buffer.from(reply);
  }

  /** `NOERROR aa | answer records | authority | additional`, as dns2 understands the reply. */
  async ask(question: string, options: QueryOptions = {}): Promise<string> {
    const [name = '', type = 'A'] = question.split(' ');
    const reply = await this.send(queryPacket(name, type, options), options.transport);
    if (reply === undefined) return 'silence';
    return summary(reply);
  }
}

export interface QueryOptions {
  readonly transport?: 'udp' | 'tcp';
  readonly class?: number;
  readonly flags?: number;
  /** OPT record with these octets as size and these options; absent: none. */
  readonly edns?: {
    readonly udpBytes?: number;
    readonly version?: number;
    readonly dnssecOk?: boolean;
    readonly options?: string;
  };
}

function typeNumber(type: string): number {
  return (TYPE as Readonly<Record<string, number>>)[type] ?? Number(type.replace('TYPE', ''));
}

/** A query in the spelling given. */
export function queryPacket(name: string, type: string, options: QueryOptions = {}): Buffer {
  const writer = new MessageWriter();
  const { edns, flags = 0x01_00 } = options;
  for (const word of [0x12_34, flags, 1, 0, 0, edns === undefined ? 0 : 1]) writer.word(word);
  const labels = name.replace(/\.$/, '').split('.');
  if (encodeName(name) === undefined) throw new Error(`${name} is no name`);
  for (const label of name === '.' ? [] : labels) writer.latin1(`${String.fromCharCode(label.length)}${label}`);
  writer.octet(0);
  writer.word(typeNumber(type));
  writer.word(options.class ?? CLASS_IN);
  if (edns !== undefined) {
    const { udpBytes = 1232, version = 0, dnssecOk = false, options: data = '' } = edns;
    writer.octet(0);
    writer.word(TYPE.OPT);
    writer.word(udpBytes);
    writer.word(version);
    writer.word(dnssecOk ? 0x80_00 : 0);
    writer.word(data.length);
    writer.latin1(data);
  }
  return Buffer.from(writer.bytes);
}

const RCODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

/** One line that says what is in a reply. */
export function summary(reply: Uint8Array): string {
  const packet = Packet.parse(Buffer.from(reply));
  if (packet.errors.length > 0) throw new Error(packet.errors.map(String).join('; '));
  const { header } = packet;
  const flags = [header.aa && 'aa', header.tc && 'tc', header.ra && 'ra']
    .filter(Boolean)
    .map((flag) => ` ${String(flag)}`);
  const sections = [packet.answers, packet.authorities, packet.additionals].map((records) =>
    records
      .map(recordText)
      .filter((text) => text !== '')
      .join(', '),
  );
  while (sections.at(-1) === '') sections.pop();
  const rcode = RCODES[header.rcode] ?? String(header.rcode);
  return [`${rcode}${flags.join('')}`, ...sections]
    .join(' | ')
    .replaceAll('|  |', '| |')
    .replaceAll('cluster.local', 'CL');
}

type Resource = InstanceType<typeof Packet>['answers'][number];

function recordText(record: Resource): string {
  const type = Object.entries(TYPE).find(([, number]) => number === record.type)?.[0] ?? `TYPE${record.type}`;
  if (type === 'OPT') return '';
  if (type === 'SOA') return `${record.name} ${record.ttl} SOA`;
  const data =
    type === 'SRV'
      ? `${record.priority} ${record.weight} ${record.port} ${record.target}`
      : (record.address ?? record.domain ?? record.ns ?? dataText(record.data));
  return `${record.name} ${record.ttl} ${type} ${data}`;
}

function dataText(data: Resource['data']): string {
  return Buffer.isBuffer(data) ? data.toString('hex') : [data ?? ''].flat().join(' ');
}
