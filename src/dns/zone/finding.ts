import type { NameKey } from '../wire/name.ts';
import type { Answer } from './answer.ts';
import type { RuleName } from './rules.ts';
import type { Zone } from './settings.ts';

interface Found {
  /** The question's type; for findings that are kept. */
  readonly type: number;
  readonly rule: RuleName;
  /** The Service that it is about, `namespace/name`; with commas when there are several. */
  readonly source?: string;
}

/** What the zone says to a question. */
export type Finding = Found &
  (
    | { readonly kind: 'answer'; readonly zone: Zone; readonly answer: Answer }
    /** CNAME; asked for another type, the question goes on with the target. */
    | { readonly kind: 'alias'; readonly zone: Zone; readonly answer: Answer; readonly target: NameKey }
    | { readonly kind: 'soa'; readonly zone: Zone }
    /** NODATA: the name exists. */
    | { readonly kind: 'empty'; readonly zone: Zone }
    /** NXDOMAIN. */
    | { readonly kind: 'missing'; readonly zone: Zone }
    /** Not ours. */
    | { readonly kind: 'outside'; readonly zone: undefined }
  );
