import { toSluiceError } from '../../base/errors.ts';
import type { Conntrack } from '../../kernel/conntrack.ts';
import type { UdpFlow } from '../../kernel/conntrack-flow.ts';
import type { IpFamily } from '../../model/address.ts';
import { socketAddress } from '../../model/address.ts';
import { parseServerKey } from './names.ts';

/**
 * Forgets the UDP flows that IPVS translated for these virtual servers, which are gone by now. Connection tracking does not know
 * who translated a flow: now nobody does, and no rule is asked, for as long as its client goes on sending. Forgotten, the next
 * datagram is a new flow, which the rules translate that are in place by then. What came before that is lost: IPVS knew the flow
 * and no destination for it any more, and dropped both (net.ipv4.vs.expire_nodest_conn).
 */
export async function forgetUdpFlows(
  servers: Iterable<string>,
  { conntrack, family }: { readonly conntrack: Pick<Conntrack, 'list' | 'delete'>; readonly family: IpFamily },
): Promise<void> {
  const destinations = new Set<string>();
  for (const key of servers) {
    const server = parseServerKey(key);
    if (server === undefined || 'mark' in server || server.protocol !== 'udp') continue;
    destinations.add(socketAddress(server.address, server.port));
  }
  if (destinations.size === 0) return;
  const isForServer = (flow: UdpFlow): boolean =>
    destinations.has(socketAddress(flow.destination, flow.destinationPort)) ||
    // An answer that was under way when its flow was forgotten makes one the other way round.
    destinations.has(socketAddress(flow.replyDestination, flow.replyDestinationPort));
  try {
    const flows = await conntrack.list(family, isForServer);
    // Those that rules of netfilter translate go on: they may be the first of who took over.
    const others = await conntrack.list(family, isForServer, { translatedByRules: true });
    const staying = new Set(others.map(({ id }) => id));
    await conntrack.delete(
      family,
      flows.filter(({ id }) => !staying.has(id)),
    );
  } catch (thrown) {
    // Without the tool such flows end when their client pauses.
    if (toSluiceError(thrown).code !== 'command-missing') throw thrown;
  }
}
