import { parseIpAddress } from '../../model/address.ts';
import type { DnsPort, DnsService } from '../../model/dns-service.ts';
import { TYPE } from '../wire/constants.ts';
import { encodeName } from '../wire/name.ts';
import { dashedLabel, parseDashed } from './address-labels.ts';
import { AnswerBuilder } from './answer.ts';
import type { ZoneData } from './data.ts';
import type { Finding } from './finding.ts';
import type { Question } from './question.ts';
import { isKept } from './question.ts';
import type { Candidate, ServiceRecord } from './service-record.ts';
import type { ZoneSettings } from './settings.ts';
import { addressRecords, clusterTargets, endpointTargets, serviceRecords } from './targets.ts';
import { findZonal, ZONAL } from './zonal.ts';

/** A question about a Service or about something below it. */
interface Case {
  readonly question: Question;
  readonly record: ServiceRecord;
  readonly service: DnsService;
  /** The label that the name of the Service begins with. */
  readonly at: number;
  /** `default/web`. */
  readonly source: string;
}

/** Service names are followed by namespace and `svc`. */
const LABELS = 3;

/** Names that end in `svc.<zone>`. */
export class ServiceLookup {
  readonly #data: ZoneData;
  readonly #settings: ZoneSettings;

  constructor(data: ZoneData, settings: ZoneSettings) {
    this.#data = data;
    this.#settings = settings;
  }

  /** @param question at least one label deep, the last of which is `svc`. */
  find(question: Question): Finding {
    const { depth, type, zone } = question;
    if (depth === 1) return question.other('inner-name');
    const hasNamespace = (): boolean => this.#data.hasNamespace(question.labels(depth - 2, depth - 1));
    if (depth === 2) return hasNamespace() ? question.other('inner-name') : question.missing('unknown-namespace');
    const at = depth - LABELS;
    const record = this.#data.service(question.labels(at, depth - 1));
    const service = record?.service;
    if (record === undefined || service === undefined) {
      return question.missing(hasNamespace() ? 'unknown-service' : 'unknown-namespace');
    }
    const labels = question.labels(0, at);
    const known = record.recall(labels, type, zone);
    if (known !== undefined) return known;
    const finding = this.#make({ question, record, service, at, source: record.name });
    // What does not exist is not kept, nor what is asked for by zone: there is no end of names.
    const isOneOfFew = finding.kind !== 'missing' && at < LABELS;
    return isOneOfFew && isKept(type) ? record.remember(labels, finding) : finding;
  }

  #make(known: Case): Finding {
    const { question, record, service, at, source } = known;
    if (service.kind === 'external') {
      return at === 0 ? this.#alias(known, service.target) : question.missing('below-external-name', source);
    }
    if (service.kind === 'cluster' && record.addresses.length === 0) return question.missing('not-programmed', source);
    if (service.kind === 'headless' && record.candidates.length === 0) {
      return question.missing('no-ready-endpoints', source);
    }
    if (at === 0) return this.#bare(known);
    if (this.#settings.zonal && service.kind === 'headless' && question.label(at - 1) === ZONAL) {
      const { candidates } = record;
      return findZonal({ question, at, candidates, source, ttlS: this.#settings.headlessTtlS });
    }
    const isPort = question.label(at - 1).startsWith('_');
    if (at === 1) return isPort ? this.#protocol(known) : this.#endpoint(known);
    return at === 2 && isPort ? this.#port(known) : question.missing('unknown-name', source);
  }

  #alias({ question, source }: Case, text: string): Finding {
    const target = parseIpAddress(text) === undefined ? encodeName(text) : undefined;
    if (target === undefined) return question.missing('bad-external-name', source);
    const { zone, type } = question;
    const answer = new AnswerBuilder(this.#settings.ttlS).pointer(TYPE.CNAME, target).build();
    return { kind: 'alias', type, zone, answer, target, rule: 'external-name', source };
  }

  #bare(known: Case): Finding {
    const { question, record, service, source } = known;
    if (question.type === TYPE.SRV)
      return question.answer(
        this.#srv(known, () => true),
        'all-ports',
        source,
      );
    const isCluster = service.kind === 'cluster';
    const addresses = isCluster ? record.addresses : record.candidates.map(({ address }) => address);
    const ttlS = this.#ttlOf(service);
    const rule = isCluster ? 'cluster-address' : 'headless-address';
    return question.answer(addressRecords(question.type, addresses, ttlS), rule, source);
  }

  /** `_tcp.web…`: there are names below it, so it exists. */
  #protocol(known: Case): Finding {
    const { question, source } = known;
    const protocol = question.label(0).slice(1);
    const exists = portsOf(known).some((port) => port.name !== '' && port.protocol === protocol);
    return exists ? question.other('inner-name', source) : question.missing('unknown-port', source);
  }

  #port(known: Case): Finding {
    const { question, service, source } = known;
    const label = question.label(0);
    const protocol = question.label(1).slice(1);
    const isWanted = (port: DnsPort): boolean =>
      port.name !== '' && label === `_${port.name}` && port.protocol === protocol;
    if (!portsOf(known).some(isWanted)) return question.missing('unknown-port', source);
    if (question.type !== TYPE.SRV) return question.other('no-such-type', source);
    const rule = service.kind === 'cluster' ? 'service-port' : 'endpoint-port';
    return question.answer(this.#srv(known, isWanted), rule, source);
  }

  #srv({ question, record, service, at }: Case, isWanted: (port: DnsPort) => boolean): AnswerBuilder {
    const targets =
      service.kind === 'cluster'
        ? clusterTargets(service.ports.filter(isWanted), record.addresses)
        : endpointTargets(record.candidates, isWanted);
    return serviceRecords(question, targets, { serviceAt: question.start(at), ttlS: this.#ttlOf(service) });
  }

  #endpoint({ question, record, at, source }: Case): Finding {
    const found = candidatesNamed(question.label(0), record.candidates);
    if (found.length === 0) return question.missing('unknown-endpoint', source);
    const ttlS = this.#settings.headlessTtlS;
    if (question.type === TYPE.SRV) {
      const targets = endpointTargets(found, () => true);
      const builder = serviceRecords(question, targets, { serviceAt: question.start(at), ttlS });
      return question.answer(builder, 'endpoint-address', source);
    }
    const addresses = found.map(({ address }) => address);
    return question.answer(addressRecords(question.type, addresses, ttlS), 'endpoint-address', source);
  }

  #ttlOf(service: DnsService): number {
    return service.kind === 'headless' ? this.#settings.headlessTtlS : this.#settings.ttlS;
  }
}

/** The ports that names can be made of: a headless Service has those of its slices. */
function portsOf({ service, record }: Case): readonly DnsPort[] {
  return service.kind === 'cluster' ? service.ports : record.candidates.flatMap(({ ports }) => ports);
}

/** By hostname, or, for those that have none, by any spelling of the address. */
function candidatesNamed(label: string, candidates: readonly Candidate[]): readonly Candidate[] {
  const named = candidates.filter(({ host }) => host === label);
  if (named.length > 0) return named;
  const address = parseDashed(label);
  if (address === undefined) return [];
  const host = dashedLabel(address);
  return candidates.filter((candidate) => candidate.address === address && candidate.host === host);
}
