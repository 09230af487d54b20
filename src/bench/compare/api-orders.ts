import type { UntypedObject } from '../../lab/api/api-upstream.ts';

/** How large the synthetic cluster is. */
export interface ClusterSize {
  readonly services: number;
  readonly endpointsPerService: number;
  readonly seed: number;
}

/** What the API server's process can be told, one JSON object per line; it obeys one after the other. */
export type ApiOrder =
  /** `assets`: the folder with etcd and kube-apiserver; without it the server is our own. */
  | { readonly do: 'start'; readonly address: string; readonly assets?: string }
  | { readonly do: 'put' | 'remove'; readonly objects: readonly UntypedObject[] }
  | ({ readonly do: 'load' } & ClusterSize)
  /** One changed endpoint each, evenly spread over the time. Answered at once. */
  | ({ readonly do: 'churn'; readonly perSecond: number; readonly durationMs: number } & ClusterSize)
  /** Answered when the last churn is over. */
  | { readonly do: 'await-churn' };

/** One line per order, in their order. */
export type ApiAnswer =
  | {
      /** When everything was stored, by `process.hrtime`: the machine's clock, the same for all its processes. */
      readonly doneMs: number;
      /** Of `start`. */
      readonly url?: string;
    }
  | { readonly error: string };
