import type { ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';

export interface BodyFault {
  /** Only the first half is sent, and then the connection breaks, or the answer ends as if it were complete. */
  readonly cut?: 'broken' | 'clean';
  /** How long what is left takes, in ten pieces. */
  readonly takesMs: number;
}

/** How long a stream that does not end may rest before what it said so far counts as its body. */
const REST_MS = 20;

/** Spoils the body of an answer; of a stream, what it begins with. */
export function interceptBody(response: ServerResponse, { cut, takesMs }: BodyFault): void {
  const write = response.write.bind(response) as (chunk: Buffer) => boolean;
  const end = response.end.bind(response);
  const chunks: Buffer[] = [];
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;
  let isSending = false;
  const send = async (): Promise<void> => {
    if (isSending) return;
    isSending = true;
    while (chunks.length > 0) {
      const body = Buffer.concat(chunks.splice(0));
      const rest = cut === undefined ? body : body.subarray(0, Math.floor(body.length / 2));
      const size = Math.ceil(rest.length / 10);
      for (let at = 0; at < rest.length && !response.destroyed; at += size) {
        write(rest.subarray(at, at + size));
        if (takesMs > 0) await setTimeout(takesMs / 10);
      }
      if (cut !== undefined) break;
    }
    response.write = write as typeof response.write;
    response.end = end;
    if (cut === 'broken') response.socket?.destroySoon();
    else if (cut === 'clean' || hasEnded) end();
  };
  response.write = ((chunk: Buffer | string) => {
    chunks.push(Buffer.from(chunk as string));
    clearTimeout(timer);
    timer = globalThis.setTimeout(() => void send(), REST_MS);
    return true;
  }) as typeof response.write;
  response.end = ((chunk?: Buffer | string) => {
    if (chunk !== undefined) chunks.push(Buffer.from(chunk as string));
    hasEnded = true;
    clearTimeout(timer);
    void send();
    return response;
  }) as typeof response.end;
}
