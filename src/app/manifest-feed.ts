import type { Log } from '../base/log.ts';
import type { ObjectEvent } from '../model/store.ts';
import { Store } from '../model/store.ts';
import type { Manifests } from '../source/manifest-reader.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { ManifestWatcher } from '../source/manifest-watcher.ts';
import { describeCluster } from './cluster.ts';
import type { Arrival, Feed, FeedEvents } from './feed.ts';
import { NO_ARRIVAL } from './feed.ts';
import type { Setup } from './setup.ts';

export interface ManifestFeedOptions {
  readonly paths: readonly string[];
  readonly setup: Setup;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly log: Log;
  /** Follow changes of the files. */
  readonly watch: boolean;
}

/** Files and folders as the cluster. */
export class ManifestFeed implements Feed {
  readonly #options: ManifestFeedOptions;
  readonly #reader: ManifestReader;
  readonly #store: Store;
  #watcher: ManifestWatcher | undefined;

  constructor(options: ManifestFeedOptions) {
    this.#options = options;
    this.#store = new Store(options.setup.lent);
    this.#reader = new ManifestReader(options.paths, options.stdin);
  }

  async start(events: FeedEvents): Promise<void> {
    const manifests = await this.#reader.read();
    const objects = [...manifests.objects.values()];
    events.onObjects?.(objects);
    events.onListed?.();
    this.#tell(objects, manifests, events);
    if (!this.#options.watch) return;
    const { log } = this.#options;
    this.#watcher = new ManifestWatcher(
      {
        reader: this.#reader,
        onChange: (changes, now) => {
          events.onObjects?.(changes);
          this.#tell(changes, now, events);
        },
        onFailure: ({ message, code, hint }) => log.error(`${message}; what it held before stays`, { code, hint }),
      },
      manifests,
    );
    log.info('following the manifests');
  }

  async stop(): Promise<void> {
    await this.#watcher?.stop();
  }

  freshness(): ReadonlyMap<string, number> {
    return new Map();
  }

  #tell(changes: readonly ObjectEvent[], manifests: Manifests, events: FeedEvents): void {
    for (const event of changes) this.#store.apply(event);
    const { inputs, problems, warnings } = describeCluster(this.#store, manifests, this.#options.setup);
    events.onProblems(problems, warnings);
    const facts = this.#store.nodes().get(inputs.node.name);
    // A node without an object is one that its operator did not care to describe.
    events.onNode(facts ?? { name: inputs.node.name, addresses: [], podCidrs: [] });
    events.onChange(inputs, arrivalOf(changes));
  }
}

function arrivalOf(changes: readonly ObjectEvent[]): Arrival {
  const count = (kind: ObjectEvent['kind']): number => changes.filter((change) => change.kind === kind).length;
  return { ...NO_ARRIVAL, services: count('Service'), endpoints: count('EndpointSlice') };
}
