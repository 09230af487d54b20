import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import type { KubeClient, RequestObserver } from '../source/kube-client.ts';
import { createKubeClient } from '../source/kube-client.ts';

/** To the API server that the options name. @throws {SluiceError} when they cannot be used. */
export function kubeClientFrom(config: Config, log: Log, observer?: RequestObserver): Promise<KubeClient> {
  const { kubeconfig, master, kubeApiQps, kubeApiBurst } = config;
  return createKubeClient({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(master === undefined ? {} : { master }),
    qps: kubeApiQps,
    burst: kubeApiBurst,
    clock: systemClock,
    log,
    ...(observer === undefined ? {} : { observer }),
  });
}
