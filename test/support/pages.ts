import type { HttpHandler, HttpReply } from '../../src/observe/http-exchange.ts';

/** Asks a handler without a server. */
export async function page(
  handler: HttpHandler,
  target: string,
  { method = 'GET', accept = '', body = '', signal = new AbortController().signal } = {},
): Promise<HttpReply> {
  const [path = '', query = ''] = target.split('?');
  return handler({ method, path, query: new URLSearchParams(query), accept, body: async () => body, signal });
}
