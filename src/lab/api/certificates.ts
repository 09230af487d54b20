import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateAuthority {
  /** PEM. */
  readonly ca: string;
  /** A certificate for clients (the organisation is the group) and for servers on the loopback addresses. */
  issue(commonName: string, organisation?: string): Certificate;
}

// The few types of DER that X.509 (RFC 5280) needs, by tag.
const [INTEGER, BIT_STRING, OCTET_STRING, OID, UTF8_STRING] = [0x02, 0x03, 0x04, 0x06, 0x0c];
const [UTC_TIME, SEQUENCE, SET, CONTEXT] = [0x17, 0x30, 0x31, 0xa0];

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const size = body.length < 0x100 ? Buffer.from([body.length]) : Buffer.from([body.length >>> 8, body.length & 0xff]);
  return Buffer.concat([Buffer.from([tag, 0x80 | size.length]), size, body]);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = rest.flatMap((part) => {
    const digits = [part & 0x7f];
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(OID, Buffer.from([first * 40 + second, ...bytes]));
}

const ECDSA_WITH_SHA256 = der(SEQUENCE, oid('1.2.840.10045.4.3.2'));

function nameOf(commonName: string, organisation?: string): Buffer {
  const part = (type: string, text: string) => der(SET, der(SEQUENCE, oid(type), der(UTF8_STRING, Buffer.from(text))));
  const group = organisation === undefined ? [] : [part('2.5.4.10', organisation)];
  return der(SEQUENCE, ...group, part('2.5.4.3', commonName));
}

function time(dateMs: number): Buffer {
  const digits = new Date(dateMs).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(UTC_TIME, Buffer.from(digits.slice(2)));
}

function extension(type: string, value: Buffer): Buffer {
  return der(SEQUENCE, oid(type), der(OCTET_STRING, value));
}

const LOOPBACK_NAMES = extension(
  '2.5.29.17',
  der(
    SEQUENCE,
    der(0x82, Buffer.from('localhost')),
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x87, Buffer.from([...new Uint8Array(15), 1])),
  ),
);

const IS_AUTHORITY = extension('2.5.29.19', der(SEQUENCE, der(0x01, Buffer.from([0xff]))));

interface Request {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extensions: Buffer;
}

const DAY_MS = 86_400_000;

function certify({ subject, issuer, publicKey, signer, extensions }: Request): string {
  const now = Date.now();
  const content = der(
    SEQUENCE,
    der(CONTEXT, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([1]), randomBytes(8)),
    ECDSA_WITH_SHA256,
    issuer,
    der(SEQUENCE, time(now - DAY_MS), time(now + DAY_MS)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(CONTEXT | 3, der(SEQUENCE, extensions)),
  );
  const signature = sign('sha256', content, signer);
  const whole = der(SEQUENCE, content, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A new authority; nothing that another one issued is good here. */
export function createAuthority(): CertificateAuthority {
  const root = newKeys();
  const issuer = nameOf(`test authority ${randomBytes(4).toString('hex')}`);
  const common = { issuer, signer: root.privateKey };
  const ca = certify({ ...common, subject: issuer, publicKey: root.publicKey, extensions: IS_AUTHORITY });
  return {
    ca,
    issue(commonName, organisation) {
      const { publicKey, privateKey } = newKeys();
      const subject = nameOf(commonName, organisation);
      const cert = certify({ ...common, subject, publicKey, extensions: LOOPBACK_NAMES });
      return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
    },
  };
}
