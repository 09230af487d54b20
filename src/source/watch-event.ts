import { parseJson } from './parse-json.ts';
import type { KubeObject, Resource } from './resource.ts';
import { isRecord, isText, kubeObject } from './resource.ts';

/** One line of a watch. */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  /** Nothing happened up to `version`; `endsInitial` ends the objects that were there when the watch began (KEP-3157). */
  | { readonly type: 'BOOKMARK'; readonly version: string; readonly endsInitial: boolean }
  | { readonly type: 'ERROR'; readonly status: number; readonly reason: string; readonly message: string }
  | { readonly type: 'garbled' };

const INITIAL_END = 'k8s.io/initial-events-end';

const GARBLED: WatchEvent = { type: 'garbled' };

/** Never throws: what cannot be understood is `garbled`. */
export function decodeWatchEvent(line: string, resource: Resource): WatchEvent {
  const json = parseJson(line);
  if (!isRecord(json)) return GARBLED;
  const { type, object } = json;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const found = kubeObject(object, resource);
      return found === undefined ? GARBLED : { type, object: found };
    }
    case 'BOOKMARK':
      return decodeBookmark(object);
    case 'ERROR':
      return decodeError(object);
    default:
      return GARBLED;
  }
}

function decodeBookmark(object: unknown): WatchEvent {
  const metadata = isRecord(object) ? object['metadata'] : undefined;
  if (!isRecord(metadata) || !isText(metadata['resourceVersion'])) return GARBLED;
  const annotations = metadata['annotations'];
  const endsInitial = isRecord(annotations) && annotations[INITIAL_END] === 'true';
  return { type: 'BOOKMARK', version: metadata['resourceVersion'], endsInitial };
}

function decodeError(object: unknown): WatchEvent {
  if (!isRecord(object)) return GARBLED;
  const { code, reason, message } = object;
  return {
    type: 'ERROR',
    status: typeof code === 'number' ? code : 500,
    reason: typeof reason === 'string' ? reason : '',
    message: typeof message === 'string' ? message.slice(0, 300) : '',
  };
}
