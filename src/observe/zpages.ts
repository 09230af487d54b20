import type { HttpHandler, HttpReply, HttpRequest } from './http-exchange.ts';
import { jsonReply, textReply } from './http-exchange.ts';

/** One of the pages of component-base's zpages, in both its forms. */
export interface Zpage {
  /** `Statusz`, `Flagz`: what a client asks for with `as=`. */
  readonly kind: string;
  readonly text: () => string;
  /** Everything but kind, apiVersion and metadata. */
  readonly object: () => Readonly<Record<string, unknown>>;
}

const GROUP = 'config.k8s.io';

/** Served versions; the last is deprecated. */
const VERSIONS = ['v1beta1', 'v1alpha1'];

const COMPONENT = 'sluice';

interface AcceptEntry {
  readonly type: string;
  readonly quality: number;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Text, or JSON for those who ask with `application/json;g=config.k8s.io;v=v1beta1;as=…`; otherwise 406. */
export function zpageHandler(page: Zpage): HttpHandler {
  return (request) => {
    for (const entry of parseAccept(request)) {
      const reply = replyFor(page, entry);
      if (reply !== undefined) return reply;
    }
    const json = `application/json;g=${GROUP};v=${VERSIONS[0]};as=${page.kind}`;
    return textReply(406, `only the following media types are accepted: text/plain, ${json}\n`);
  };
}

function replyFor({ kind, text, object }: Zpage, { type, parameters }: AcceptEntry): HttpReply | undefined {
  if (type === '*/*' || type === 'text/*' || type === 'text/plain') {
    return textReply(
      200,
      `\n${COMPONENT} ${kind.toLowerCase()}\nFor people: this text may change at any time.\n\n${text()}`,
    );
  }
  const version = parameters.get('v') ?? '';
  const asked = parameters.get('g') === GROUP && parameters.get('as') === kind && VERSIONS.includes(version);
  if (type !== 'application/json' || !asked) return undefined;
  const body = { kind, apiVersion: `${GROUP}/${version}`, metadata: { name: COMPONENT }, ...object() };
  const warning = `299 - "${GROUP}/${version} ${kind} is deprecated; use ${GROUP}/${VERSIONS[0]}"`;
  return jsonReply(200, body, version === VERSIONS[0] ? {} : { Warning: warning });
}

/** The entries of the Accept header, the most wanted first. Without a header anything will do. */
function parseAccept({ accept }: HttpRequest): readonly AcceptEntry[] {
  const entries = (accept.trim() === '' ? '*/*' : accept).split(',').map((entry): AcceptEntry => {
    const [type = '', ...rest] = entry.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((part): [string, string] => {
        const [name = '', value = ''] = part.split('=').map((word) => word.trim());
        return [name.toLowerCase(), value.replaceAll('"', '')];
      }),
    );
    const quality = Number(parameters.get('q') ?? 1);
    return { type: type.toLowerCase(), quality: Number.isNaN(quality) ? 1 : quality, parameters };
  });
  return entries.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality);
}
