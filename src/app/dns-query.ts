import { SluiceError } from '../base/errors.ts';
import type { Config } from '../config/resolve.ts';
import { parseType, renderAnswers, renderReply } from '../dns/codec.ts';
import { Responder } from '../dns/responder.ts';
import { composeQuery } from '../dns/wire/compose.ts';
import { TYPE, typeName } from '../dns/wire/constants.ts';
import type { NameKey } from '../dns/wire/name.ts';
import { encodeName } from '../dns/wire/name.ts';
import { reverseName } from '../dns/zone/address-labels.ts';
import type { Finding } from '../dns/zone/finding.ts';
import { RULES } from '../dns/zone/rules.ts';
import { ClusterZone } from '../dns/zone/zone.ts';
import type { Cidr } from '../model/address.ts';
import { parseIpAddress } from '../model/address.ts';
import { addressOctets } from '../model/dns-octets.ts';
import { describeProblem } from '../model/problem.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { dnsChangesOf } from './dns-manifests.ts';
import { replySettingsFrom, zoneSettingsFrom } from './dns-settings.ts';
import type { Stdin } from './dry-run.ts';

/** Who asks here; nothing depends on it but who may have whole zones. */
const ASKER = '127.0.0.1';

export interface ZoneQuery {
  readonly config: Config;
  readonly stdin: Stdin;
  /** A domain name, or an address to look up its name. */
  readonly name: string;
  /** A, or PTR for an address, when absent. */
  readonly type: string | undefined;
}

/**
 * What the zone that manifests make says to one question, with the rule that says so.
 *
 * @throws {SluiceError} `bad-config` when the question is none; when manifests cannot be read.
 */
export async function queryManifests(
  query: ZoneQuery,
): Promise<{ readonly lines: readonly string[]; readonly problems: readonly string[] }> {
  const { config } = query;
  const { name, type } = parseQuestion(query);
  const manifests = await new ManifestReader(config.manifests, query.stdin).read();
  const { changes, problems } = dnsChangesOf(manifests.objects.values(), config);
  const zone = new ClusterZone(zoneSettingsFrom(config));
  zone.apply(changes, Math.floor(Date.now() / 1000));
  zone.setSynced();
  const responder = new Responder({
    zone,
    settings: replySettingsFrom(config),
    forwarder: undefined,
    transferTo: [`${ASKER}/32` as Cidr],
  });
  // As over TCP: nothing is cut.
  const handled = responder.handle(composeQuery(name, type), { transport: 'tcp', address: ASKER });
  const { reply, replies = [], finding } = handled;
  return {
    lines: [
      ...(reply === undefined ? [] : renderReply(await reply)),
      ...[...replies].flatMap(renderAnswers),
      ';; WHY:',
      `; ${finding === undefined ? notLookedUp(type) : describeFinding(finding)}`,
      ...(finding?.kind === 'outside' ? searchPath(zone, config, { text: query.name, type }) : []),
    ],
    problems: [...manifests.problems.map(describeProblem), ...problems],
  };
}

/** What nothing is looked up for. */
function notLookedUp(type: number): string {
  if (type === TYPE.AXFR) return 'only a whole zone of the cluster can be had with AXFR';
  return `${typeName(type)} is nothing that names have: such questions are refused`;
}

/** The namespaces of a pod that a short name may be meant for. */
const SEARCHED = ['default.svc', 'svc', ''];

/** Names are often written as pods write them, who have a search path. */
function searchPath(
  zone: ClusterZone,
  config: Config,
  { text, type }: { readonly text: string; readonly type: number },
): readonly string[] {
  const [primary = ''] = zoneSettingsFrom(config).zones;
  if (text.endsWith('.')) return [];
  for (const between of SEARCHED) {
    const whole = [text, between, primary].filter((part) => part !== '').join('.');
    const name = encodeName(whole);
    if (name === undefined || zone.find(name, type).kind === 'missing') continue;
    return [`; In a pod of the namespace default the search path makes ${whole} of it, which exists`];
  }
  return [];
}

function parseQuestion({ name: text, type: typeText }: ZoneQuery): { readonly name: NameKey; readonly type: number } {
  const address = parseIpAddress(text);
  const name = address === undefined ? encodeName(text) : reverseName(addressOctets(address));
  const type = typeText === undefined ? (address === undefined ? TYPE.A : TYPE.PTR) : parseType(typeText);
  if (name === undefined)
    throw new SluiceError({
      code: 'bad-config',
      message: `${JSON.stringify(text)} is not a domain name`,
      hint: 'parts between dots have 1 to 63 characters, the whole name at most 253',
    });
  if (type !== undefined) return { name, type };
  throw new SluiceError({
    code: 'bad-config',
    message: `${JSON.stringify(typeText)} is not a record type`,
    hint: 'use a name such as AAAA or SRV, or a number as TYPE65',
  });
}

function describeFinding({ source, rule }: Finding): string {
  return `${source === undefined ? '' : `Service ${source}: `}${RULES[rule]}`;
}
