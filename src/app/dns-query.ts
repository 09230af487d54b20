import { SluiceError } from '../base/errors.ts';
import type { Config } from '../config/resolve.ts';
import { parseType, renderReply } from '../dns/codec.ts';
import { Responder } from '../dns/responder.ts';
import { composeQuery } from '../dns/wire/compose.ts';
import { TYPE } from '../dns/wire/constants.ts';
import type { NameKey } from '../dns/wire/name.ts';
import { encodeName } from '../dns/wire/name.ts';
import { reverseName } from '../dns/zone/address-labels.ts';
import type { Finding } from '../dns/zone/finding.ts';
import { RULES } from '../dns/zone/rules.ts';
import { ClusterZone } from '../dns/zone/zone.ts';
import { parseIpAddress } from '../model/address.ts';
import { addressOctets } from '../model/dns-octets.ts';
import { describeProblem } from '../model/problem.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { dnsChangesOf } from './dns-manifests.ts';
import { replySettingsFrom, zoneSettingsFrom } from './dns-settings.ts';
import type { Stdin } from './dry-run.ts';

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
  const responder = new Responder({ zone, settings: replySettingsFrom(config), forwarder: undefined });
  // As over TCP: nothing is cut.
  const { reply, finding } = responder.handle(composeQuery(name, type), { transport: 'tcp', address: '' });
  const lines = reply === undefined ? [] : renderReply(await reply);
  return {
    lines: [...lines, ';; WHY:', ...(finding === undefined ? [] : [describeFinding(finding)])],
    problems: [...manifests.problems.map(describeProblem), ...problems],
  };
}

function parseQuestion({ name: text, type: typeText }: ZoneQuery): { readonly name: NameKey; readonly type: number } {
  const address = parseIpAddress(text);
  const name = address === undefined ? encodeName(text) : reverseName(addressOctets(address));
  const type = typeText === undefined ? (address === undefined ? TYPE.A : TYPE.PTR) : parseType(typeText);
  if (name === undefined)
    throw new SluiceError({ code: 'bad-config', message: `${JSON.stringify(text)} is not a domain name` });
  if (type !== undefined) return { name, type };
  throw new SluiceError({
    code: 'bad-config',
    message: `${JSON.stringify(typeText)} is not a record type`,
    hint: 'use a name such as AAAA or SRV, or a number as TYPE65',
  });
}

function describeFinding({ source, rule }: Finding): string {
  return `; ${source === undefined ? '' : `Service ${source}: `}${RULES[rule]}`;
}
