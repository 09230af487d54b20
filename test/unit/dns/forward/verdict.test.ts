import { describe, expect, test } from 'vitest';
import { scanMessage } from '../../../../src/dns/forward/scan.ts';
import type { AnswerKind } from '../../../../src/dns/forward/verdict.ts';
import { judge } from '../../../../src/dns/forward/verdict.ts';
import { FLAG, RCODE, TYPE } from '../../../../src/dns/wire/constants.ts';
import { encodeName } from '../../../../src/dns/wire/name.ts';
import type { RecordSpec, ResponseSpec } from './messages.ts';
import { a, alias, query, response, soa } from './messages.ts';

const WWW = query('www.example.org');

function verdict(spec: ResponseSpec, asked = WWW): { kind: AnswerKind; ttlS: number } {
  const message = scanMessage(response(asked, spec));
  if (message === undefined) throw new Error('garbled');
  return judge(message, asked);
}

function record(owner: string, type: number, data: string): RecordSpec {
  return { owner, type, ttlS: 300, data: (writer) => writer.latin1(data) };
}

const { nxDomain } = RCODE;

describe('an answer', () => {
  test.each<[string, ResponseSpec, number]>([
    ['one record', { answer: [a('www.example.org', '192.0.2.1', 40)] }, 40],
    [
      'the shortest TTL counts',
      { answer: [a('www.example.org', '192.0.2.1', 40), a('www.example.org', '192.0.2.2', 9)] },
      9,
    ],
    [
      'an alias and its target',
      { answer: [alias('www.example.org', 'b.example', 50), a('b.example', '192.0.2.1', 60)] },
      50,
    ],
    [
      'aliases in the wrong order',
      {
        answer: [
          a('c.example', '192.0.2.1'),
          alias('b.example', 'c.example'),
          alias('www.example.org', 'b.example', 7),
        ],
      },
      7,
    ],
    [
      'a moved zone',
      {
        answer: [
          record('example.org', TYPE.DNAME, '\x07example\x03net\0'),
          alias('www.example.org', 'www.example.net'),
          a('www.example.net', '192.0.2.1', 30),
        ],
      },
      30,
    ],
    [
      'with its signature',
      { answer: [a('www.example.org', '192.0.2.1', 30), record('www.example.org', TYPE.RRSIG, 'sig')] },
      30,
    ],
  ])('%s', (_what, spec, ttlS) => expect(verdict(spec)).toEqual({ kind: 'success', ttlS }));

  test('an alias is the answer to who asks for it, or for anything', () => {
    const spec = { answer: [alias('www.example.org', 'www.example.org', 5)] };
    expect(verdict(spec, query('www.example.org', { type: TYPE.CNAME })).kind).toBe('success');
    expect(verdict(spec, query('www.example.org', { type: TYPE.ANY })).kind).toBe('success');
  });
});

describe('a denial', () => {
  test.each<[string, ResponseSpec, number]>([
    ['the name does not exist', { rcode: nxDomain, authority: [soa('example.org')] }, 60],
    ['the SOA has the shorter TTL', { rcode: nxDomain, authority: [soa('example.org', { ttlS: 5, minimumS: 60 })] }, 5],
    ['the name has no such record', { authority: [soa('www.example.org')] }, 60],
    ['by the root', { rcode: nxDomain, authority: [soa('.')] }, 60],
    [
      'of what an alias leads to',
      {
        rcode: nxDomain,
        answer: [alias('www.example.org', 'b.example.net', 20)],
        authority: [soa('example.net')],
      },
      20,
    ],
  ])('%s', (_what, spec, ttlS) => expect(verdict(spec)).toEqual({ kind: 'denial', ttlS }));
});

describe('not for the cache', () => {
  test.each<[string, ResponseSpec]>([
    ['a truncated answer', { flags: FLAG.truncated, answer: [a('www.example.org', '192.0.2.1')] }],
    ['an answer for another name', { answer: [a('www.example.net', '192.0.2.1')] }],
    [
      'an answer with more than was asked for',
      {
        answer: [a('www.example.org', '192.0.2.1'), a('bank.example', '203.0.113.66')],
      },
    ],
    ['an alias that leads nowhere', { answer: [alias('www.example.org', 'b.example')] }],
    ['aliases in a circle', { answer: [alias('www.example.org', 'b.example'), alias('b.example', 'www.example.org')] }],
    ['a denial without SOA', { rcode: nxDomain }],
    ['a denial by a zone that has no say', { rcode: nxDomain, authority: [soa('example.net')] }],
    [
      'a denial by a zone that is no parent, only the end of the text',
      { rcode: nxDomain, authority: [soa('ample.org')] },
    ],
    [
      'a denial with an SOA of the alias, not of its target',
      {
        rcode: nxDomain,
        answer: [alias('www.example.org', 'b.example.net')],
        authority: [soa('example.org')],
      },
    ],
    [
      'a denial of what is in the answer',
      {
        rcode: nxDomain,
        answer: [a('www.example.org', '192.0.2.1')],
        authority: [soa('example.org')],
      },
    ],
    ['a referral', { authority: [record('example.org', TYPE.NS, encodeName('ns.example.org') ?? '')] }],
  ])('%s', (_what, spec) => expect(verdict(spec)).toEqual({ kind: 'unfit', ttlS: 0 }));
});

test.each([RCODE.formErr, RCODE.servFail, RCODE.notImp, RCODE.refused, 9])('response code %i is a failure', (rcode) => {
  expect(verdict({ rcode })).toEqual({ kind: 'failure', ttlS: 0 });
});
