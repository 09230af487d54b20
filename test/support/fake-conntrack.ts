import type { SluiceError } from '../../src/base/errors.ts';
import type { ListOptions } from '../../src/kernel/conntrack.ts';
import type { UdpFlow } from '../../src/kernel/conntrack-flow.ts';
import type { IpAddress, IpFamily } from '../../src/model/address.ts';
import { familyOf, socketAddress } from '../../src/model/address.ts';
import { ip } from './plans.ts';

let ids = 0;

/** A flow of a client of its own, from `10.96.0.10:53 > 10.244.1.1:5353`: destination and who answers. */
export function flow(text: string): UdpFlow {
  const [destination, answerer] = text.split(' > ').map(place);
  if (destination === undefined || answerer === undefined) throw new Error(`${text} is no flow`);
  ids += 1;
  const client = {
    address: ip(destination.address.includes(':') ? 'fd00:99::1' : '10.99.0.1'),
    port: 1024 + (ids % 60_000),
  };
  return {
    source: client.address,
    sourcePort: client.port,
    destination: destination.address,
    destinationPort: destination.port,
    replySource: answerer.address,
    replySourcePort: answerer.port,
    replyDestination: client.address,
    replyDestinationPort: client.port,
    id: ids,
  };
}

function place(text: string): { readonly address: IpAddress; readonly port: number } {
  const colon = text.lastIndexOf(':');
  return { address: ip(text.slice(0, colon).replaceAll(/[[\]]/g, '')), port: Number(text.slice(colon + 1)) };
}

/** A connection tracking table in memory. */
export class FakeConntrack {
  flows: readonly UdpFlow[] = [];
  /** The options of each listing. */
  readonly listings: ListOptions[] = [];
  /** What every listing throws from now on. */
  failure: SluiceError | undefined;

  /** `destination > answerer` of each flow. */
  get texts(): readonly string[] {
    return this.flows.map((one) => {
      const answerer = socketAddress(one.replySource, one.replySourcePort);
      return `${socketAddress(one.destination, one.destinationPort)} > ${answerer}`;
    });
  }

  async list(
    family: IpFamily,
    wanted: (flow: UdpFlow) => boolean,
    options: ListOptions = {},
  ): Promise<readonly UdpFlow[]> {
    this.listings.push(options);
    await Promise.resolve();
    if (this.failure !== undefined) throw this.failure;
    const only = options.destination ?? '';
    return this.flows.filter(
      (one) => familyOf(one.destination) === family && (only === '' || one.destination === only) && wanted(one),
    );
  }

  async delete(_family: IpFamily, flows: readonly UdpFlow[]): Promise<void> {
    await Promise.resolve();
    this.flows = this.flows.filter((one) => !flows.includes(one));
  }
}
