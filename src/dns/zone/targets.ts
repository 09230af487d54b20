import type { Octets } from '../../model/dns-octets.ts';
import type { DnsPort } from '../../model/dns-service.ts';
import type { NameKey } from '../wire/name.ts';
import { TYPE } from '../wire/constants.ts';
import { below } from './settings.ts';
import { AnswerBuilder } from './answer.ts';
import type { Question } from './question.ts';
import type { Candidate } from './service-record.ts';

/** Weights of equal targets: a share of this, rounded down, but not 0, which RFC 2782 gives a meaning. */
const TOTAL_WEIGHT = 100;

/** One address and one port that SRV records are made of. */
export interface TargetAddress {
  /** The label of the endpoint; empty for the Service itself. */
  readonly host: string;
  readonly address: Octets;
  readonly port: number;
}

/**
 * SRV records for targets below the Service whose name begins at `serviceAt` of the question, with their addresses as glue.
 * Each pair of address and port counts once for the weight, however many slices have it.
 */
export function serviceRecords(
  question: Question,
  targets: readonly TargetAddress[],
  { serviceAt, ttlS }: { readonly serviceAt: number; readonly ttlS: number },
): AnswerBuilder {
  const service: NameKey = question.name.slice(serviceAt);
  const builder = new AnswerBuilder(ttlS);
  const pairs = new Set(targets.map(({ address, port }) => `${address}/${port}`));
  const weight = Math.max(1, Math.floor(TOTAL_WEIGHT / pairs.size));
  const seen = new Set<string>();
  const once = (key: string): boolean => seen.size < seen.add(key).size;
  for (const { host, port } of targets) {
    if (!once(`${host}:${port}`)) continue;
    builder.service({ weight, port, target: host === '' ? service : below(service, host) });
  }
  for (const { host, address } of targets) {
    if (once(`${host}@${address}`)) builder.glue({ serviceAt, host, address });
  }
  return builder;
}

/** The ports of a Service, each with each of its addresses. */
export function clusterTargets(ports: readonly DnsPort[], addresses: readonly Octets[]): readonly TargetAddress[] {
  return ports.flatMap(({ port }) => addresses.map((address) => ({ host: '', address, port })));
}

/** The endpoints, each with those of its ports that `wanted` takes. */
export function endpointTargets(
  candidates: readonly Candidate[],
  wanted: (port: DnsPort) => boolean,
): readonly TargetAddress[] {
  return candidates.flatMap(({ host, address, ports }) =>
    ports.filter(wanted).map(({ port }) => ({ host, address, port })),
  );
}

/** A or AAAA records, each address once; none for other types. */
export function addressRecords(type: number, addresses: readonly Octets[], ttlS: number): AnswerBuilder {
  const width = type === TYPE.A ? 4 : type === TYPE.AAAA ? 16 : 0;
  const builder = new AnswerBuilder(ttlS);
  for (const address of new Set(addresses)) if (address.length === width) builder.address(address);
  return builder;
}
