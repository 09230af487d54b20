import { SluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ObjectKind } from '../model/object.ts';
import { refusalOf } from './kube-request.ts';

/** Nothing came over a connection for so long that it is given up. */
export function silence(kind: ObjectKind, idleMs: number): SluiceError {
  const message = `the API server sent nothing about ${kind} objects for ${Math.round(idleMs / 1000)} s`;
  return new SluiceError({ code: 'api-unreachable', message, data: { silent: true } });
}

/** Is it a {@link silence}? */
export function wasSilent(error: SluiceError): boolean {
  return error.data['silent'] === true;
}

/** A watch that ended where it should not. */
export function brokenWatch(kind: ObjectKind, inTheMiddleOf: string): SluiceError {
  const message = `the watch of ${kind} objects ended in the middle of ${inTheMiddleOf}`;
  return new SluiceError({ code: 'api-unreachable', message });
}

/** Is the version that we know of no use any more, or what came after it not to be trusted? */
export function needsList(error: SluiceError): boolean {
  const status = refusalOf(error)?.status;
  const isRejected = status === 400 || status === 422;
  return isExpired(error) || isRejected || error.code === 'api-garbled' || error.code === 'internal';
}

/** The server has forgotten what came after the version that we know. */
function isExpired(error: SluiceError): boolean {
  const refusal = refusalOf(error);
  return refusal?.status === 410 || refusal?.reason === 'Expired';
}

/** Reasons that are remembered while there is trouble; more than that need not be said. */
const MAX_REASONS = 20;

/** Logs each reason once until things work again, and that they do. */
export class Troubles {
  readonly #log: Log;
  readonly #kind: ObjectKind;
  readonly #told = new Set<string>();

  constructor(log: Log, kind: ObjectKind) {
    this.#log = log;
    this.#kind = kind;
  }

  tell(error: SluiceError): void {
    const { message, code, hint, data } = error;
    if (this.#told.has(message) || this.#told.size >= MAX_REASONS) return;
    this.#told.add(message);
    const fields = {
      resource: this.#kind,
      code,
      ...(hint === undefined ? {} : { hint }),
      ...(data['excerpt'] === undefined ? {} : { excerpt: data['excerpt'] }),
    };
    // Servers forget old versions as a matter of course: that is no trouble.
    if (isExpired(error)) this.#log.info(`listing anew: ${message}`, fields);
    else this.#log.warn(`${message}; going on with what is known`, fields);
  }

  end(): void {
    if (this.#told.size === 0) return;
    this.#told.clear();
    this.#log.info('following the API server again', { resource: this.#kind });
  }
}
