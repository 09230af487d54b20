import type { Circumstances } from './circumstances.ts';
import type { DnsReply } from './message.ts';
import { isReverse, ZONE } from './names.ts';
import { ASKED, withFlag } from './normal.ts';

/** Labels of an IPv6 address's reverse name. */
const REVERSE_LABELS = 34;

const CLUSTER_DNS = `kube-dns.kube-system.svc.${ZONE}`;

/** Is it a name like `_http._tcp.web.default.svc`? */
export function isPortName({ labels }: Circumstances): boolean {
  return labels.length === 5 && labels[4] === 'svc';
}

/** Is it the name of a pod, or one below that? */
export function isPodName({ labels }: Circumstances, depth: (labels: number) => boolean): boolean {
  return labels.at(-1) === 'pod' && depth(labels.length);
}

/** The same without records but for the SOA of the zone. */
export function denied(reply: DnsReply, rcode: string, { authority }: Circumstances): DnsReply {
  const flags = withFlag(reply.flags, 'tc', false);
  return { ...reply, flags, rcode, answer: [], authority: [`${ZONE}. ${authority}`], additional: [] };
}

/** What is said of another question, if that is known. */
export function withSections(reply: DnsReply, other: DnsReply | undefined): DnsReply {
  if (other === undefined) return reply;
  const { rcode, answer, authority, additional } = other;
  return { ...reply, rcode, answer, authority, additional };
}

/** What the servers of other names say of names that they do not have. */
export function forwarded(reply: DnsReply, { coredns }: Circumstances): DnsReply {
  return { ...withSections(reply, coredns('missing.example.org', 'A')), flags: withFlag(reply.flags, 'aa', false) };
}

/** With the weights of as many pairs of address and port as there are. */
export function weighted(reply: DnsReply): DnsReply {
  const records = reply.answer.map((text) => text.split(' '));
  const addresses = reply.additional.map((text) => text.split(' '));
  const pairs = records.flatMap(([, , , , , port, target]) =>
    addresses.filter(([owner]) => owner === target).map(([, , , address]) => `${address} ${port}`),
  );
  const weight = String(Math.max(1, Math.floor(100 / new Set(pairs).size)));
  return { ...reply, answer: records.map((record) => record.with(4, weight).join(' ')) };
}

/** With the servers of the zone, as far as the cluster has a Service for them. */
export function withServers(reply: DnsReply, { coredns }: Circumstances): DnsReply {
  const addresses = coredns(CLUSTER_DNS, 'A')?.answer ?? [];
  if (addresses.length === 0) return reply;
  const ttl = addresses[0]?.split(' ')[1] ?? '';
  const additional = addresses.map((text) => text.replace(ASKED, `${CLUSTER_DNS}.`));
  return { ...reply, answer: [`${ASKED} ${ttl} ns ${CLUSTER_DNS}.`], authority: [], additional };
}

/** What CoreDNS says of the other spelling is said of the canonical one; the reverse name has what CoreDNS does not find. */
export function canonically(reply: DnsReply, about: Circumstances): DnsReply {
  const { name, type, labels, coredns, authority } = about;
  const { misspelt } = about.peculiar;
  const targets = misspelt.filter(({ reverse }) => reverse === name).map(({ target }) => target);
  if (targets.length > 0 && type === 'PTR') {
    const answer = targets.map((target) => `${ASKED} ${authority.split(' ').at(-1)} ptr ${target}`);
    return { ...reply, rcode: 'NOERROR', flags: withFlag(reply.flags, 'aa'), answer, authority: [] };
  }
  const [host = '', service, namespace] = labels;
  const meant = misspelt.find(({ canonical, service: of }) => canonical === host && of === `${namespace}/${service}`);
  const other = type === 'SOA' ? 'MX' : type;
  const found = meant === undefined ? undefined : coredns(name.replace(meant.canonical, meant.written), other);
  const base = found?.rcode === 'NOERROR' ? withSections(reply, found) : reply;
  const spelt = (text: string): string =>
    misspelt.reduce((done, { written, canonical }) => done.replaceAll(`${written}.`, `${canonical}.`), text);
  return { ...base, answer: base.answer.map(spelt), additional: base.additional.map(spelt) };
}

/** A pod's name by an address that is not its first. */
export function withOtherAddress(reply: DnsReply, about: Circumstances): DnsReply {
  const address = about.peculiar.podNames.get(about.name);
  if (address === undefined || reply.rcode !== 'NXDOMAIN') return reply;
  const answer = [`${ASKED} ${about.authority.split(' ').at(-1)} aaaa ${address}`];
  return about.type === 'AAAA'
    ? { ...reply, rcode: 'NOERROR', answer, authority: [] }
    : denied(reply, 'NOERROR', about);
}

/** Without pointers to names that do not exist. */
export function withoutDeadEnds(reply: DnsReply, about: Circumstances): DnsReply {
  const answer = reply.answer.filter((text) => leadsSomewhere(text, about));
  return answer.length > 0 || reply.answer.length === 0 ? { ...reply, answer } : forwarded(reply, about);
}

/** Is it the reverse name of one of the cluster's addresses? */
export function isReverseOfCluster(about: Circumstances): boolean {
  const { name, coredns, peculiar } = about;
  const pointers = isTooLong(about) ? [] : (coredns(name, 'PTR')?.answer ?? []);
  const isFound = pointers.some((text) => leadsSomewhere(text, about));
  return isReverse(name) && (isFound || peculiar.misspelt.some(({ reverse }) => reverse === name));
}

/** Is it below the reverse name of an IPv6 address? */
export function isTooLong({ name }: Circumstances): boolean {
  return name.endsWith('.ip6.arpa') && name.split('.').length > REVERSE_LABELS;
}

/** NODATA with the SOA of the reverse zone, which names the cluster's server. */
export function withoutSuchType(reply: DnsReply, about: Circumstances): DnsReply {
  const zone = about.name.endsWith('.ip6.arpa') ? 'ip6.arpa.' : 'in-addr.arpa.';
  const flags = withFlag(reply.flags, 'aa');
  return { ...denied(reply, 'NOERROR', about), flags, authority: [`${zone} ${about.authority}`] };
}

/** Does CoreDNS speak for one of the two zones of all reverse names? */
export function isOfReverseZone({ answer, authority }: DnsReply): boolean {
  return [...answer, ...authority].some((text) => / soa ns\.dns\.(?:in-addr|ip6)\.arpa\. /.test(text));
}

/** The alias that a name is, if it is one. */
export function aliasOf(name: string, { coredns }: Circumstances): string | undefined {
  return coredns(name, 'CNAME')?.answer[0];
}

function leadsSomewhere(pointer: string, { coredns, peculiar }: Circumstances): boolean {
  const found = pointer.split(' ')[3] ?? '';
  const isMisspelt = peculiar.misspelt.some(({ target }) => target === found);
  return isMisspelt || coredns(found.replace(/\.$/, ''), 'A')?.rcode !== 'NXDOMAIN';
}
