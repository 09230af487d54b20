import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import { describeProblem } from '../model/problem.ts';
import type { ObjectEvent } from '../model/store.ts';
import { startKubeSource } from '../source/kube-source.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { ManifestWatcher } from '../source/manifest-watcher.ts';
import { dnsResources } from '../source/resources.ts';
import type { Stdin } from './dry-run.ts';
import { kubeClientFrom } from './kube-connection.ts';

/** Where objects come from. */
export interface ObjectSource {
  stop(): Promise<void>;
}

interface SourceOptions {
  readonly config: Config;
  readonly log: Log;
  readonly stdin: Stdin;
}

export interface SourceEvents {
  readonly onObjects: (events: readonly ObjectEvent[]) => void;
  readonly onListed: () => void;
}

/** Manifests where there are some, else an API server. @throws {SluiceError} when it cannot be used. */
export async function openSource(options: SourceOptions, events: SourceEvents): Promise<ObjectSource> {
  const { config, log } = options;
  if (config.manifests.length > 0) return openManifests(options, events);
  const client = await kubeClientFrom(config, log);
  const source = startKubeSource({
    client,
    resources: dnsResources({ pods: config.dnsPods === 'verified' }),
    clock: systemClock,
    log,
    onEvents: events.onObjects,
    onSynced: events.onListed,
  });
  return {
    async stop() {
      await source.stop();
      client.close();
    },
  };
}

async function openManifests(
  { config, log, stdin }: SourceOptions,
  { onObjects, onListed }: SourceEvents,
): Promise<ObjectSource> {
  const reader = new ManifestReader(config.manifests, stdin);
  const manifests = await reader.read();
  for (const problem of manifests.problems) log.warn(describeProblem(problem));
  onObjects([...manifests.objects.values()]);
  onListed();
  if (!config.watch) return { stop: () => Promise.resolve() };
  return new ManifestWatcher(
    {
      reader,
      onChange: onObjects,
      onFailure: ({ message, code, hint }) => log.error(`${message}; what it held before stays`, { code, hint }),
    },
    manifests,
  );
}
