import { TYPE } from '../wire/constants.ts';
import { encodeName, ROOT } from '../wire/name.ts';
import type { Finding } from './finding.ts';
import type { Question } from './question.ts';
import type { Candidate } from './service-record.ts';
import { addressRecords, endpointTargets, serviceRecords } from './targets.ts';

/** The label that names of topology zones are below; no endpoint can be called so. */
export const ZONAL = '_zone';

export interface ZonalCase {
  readonly question: Question;
  /** The label that the name of the Service begins with; the one before it is {@link ZONAL}. */
  readonly at: number;
  /** All ready endpoints of a headless Service. */
  readonly candidates: readonly Candidate[];
  readonly source: string;
  readonly ttlS: number;
}

/**
 * The endpoints of a headless Service in one topology zone, as CoreDNS 1.14 has them with `zonal`:
 * `eu-1a.pin._zone.db.default.svc.cluster.local`. With `pin` a zone without endpoints has no records, with `prefer` it has
 * those of all endpoints. Names of zones may have dots.
 */
export function findZonal({ question, at, candidates, source, ttlS }: ZonalCase): Finding {
  const directive = at < 2 ? undefined : question.label(at - 2);
  if (directive === undefined) return question.other('inner-name', source);
  if (directive !== 'pin' && directive !== 'prefer') return question.missing('unknown-name', source);
  if (at === 2) return question.other('inner-name', source);
  const wanted = question.labels(0, at - 2) + ROOT;
  const zones = new Set(candidates.map(({ zone }) => zone));
  const zone = [...zones].find((text) => text !== undefined && encodeName(text) === wanted);
  if (zone === undefined && directive === 'pin') return question.other('zone-without-endpoints', source);
  const chosen = zone === undefined ? candidates : candidates.filter((candidate) => candidate.zone === zone);
  const rule = zone === undefined ? 'zone-elsewhere' : 'zone-endpoints';
  if (question.type === TYPE.SRV) {
    const targets = endpointTargets(chosen, () => true);
    return question.answer(serviceRecords(question, targets, { serviceAt: question.start(at), ttlS }), rule, source);
  }
  const addresses = chosen.map(({ address }) => address);
  return question.answer(addressRecords(question.type, addresses, ttlS), rule, source);
}
