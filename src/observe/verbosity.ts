import type { HttpHandler } from './http-exchange.ts';
import { textReply } from './http-exchange.ts';

/** Longer than any level's name or number. */
const MAX_BYTES = 64;

/**
 * `PUT /debug/flags/v`: changes how much is logged until the process ends, as kube-proxy does with `-v`. `set` takes the body
 * and says whether it is a level; the status codes are kube-proxy's, 406 for other methods included.
 */
export function verbosityHandler(set: (level: string) => boolean): HttpHandler {
  return async ({ method, body }) => {
    if (method !== 'PUT') return textReply(406, 'unrecognized http method\n');
    const level = (await body(MAX_BYTES))?.trim() ?? '';
    if (!set(level))
      return textReply(400, 'no such level: send a number as for -v, or debug, info, warn, error, silent\n');
    return textReply(200, `the level of the log is now ${level}\n`);
  };
}
