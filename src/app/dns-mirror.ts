import type { DnsChange } from '../model/dns-change.ts';

/** Everything that DNS was told, for a thread that has to begin anew. */
export class DnsMirror {
  readonly #known: { readonly [K in DnsChange['kind']]: Map<string, DnsChange> } = {
    Service: new Map(),
    EndpointSlice: new Map(),
    Namespace: new Map(),
    Pod: new Map(),
    Programmed: new Map(),
  };

  note(changes: readonly DnsChange[]): void {
    for (const change of changes) {
      const known = this.#known[change.kind];
      if (change.value === undefined) known.delete(change.name);
      else known.set(change.name, change);
    }
  }

  /** What to tell a new thread. */
  all(): readonly DnsChange[] {
    return Object.values(this.#known).flatMap((known) => [...known.values()]);
  }
}
