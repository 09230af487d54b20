import type { Match } from './question.ts';

/** How asking an upstream once ended. */
export type Outcome =
  | { readonly ok: true; readonly message: Buffer; readonly match: Exclude<Match, 'other'> }
  | {
      readonly ok: false;
      /**
       * `doubtful`: what came over UDP may be forged, TCP will tell; `stale`: a connection of earlier queries broke, which
       * says nothing about the upstream; `closed`: we are stopping.
       */
      readonly reason: 'timeout' | 'error' | 'doubtful' | 'stale' | 'closed';
      /** For people. */
      readonly detail: string;
    };
