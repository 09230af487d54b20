import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { runAgent } from '../../../src/lab/agent.ts';
import type { Reply } from '../../../src/lab/protocol.ts';

/** Feeds the lines to an agent and returns its replies once it has ended. */
async function converse(...lines: string[]): Promise<Reply[]> {
  const input = new PassThrough();
  const output = new PassThrough();
  const replies: Reply[] = [];
  createInterface({ input: output }).on('line', (line) => replies.push(JSON.parse(line) as Reply));
  input.end(lines.map((line) => `${line}\n`).join(''));
  await runAgent(input, output);
  await new Promise(setImmediate);
  return replies;
}

test('answers a ping under its id', async () => {
  expect(await converse('{"id":7,"method":"ping","params":{}}')).toEqual([{ id: 7, result: { pid: process.pid } }]);
});

test.each([
  ['{"id":3,"method":"fly","params":{}}', 3, 'there is no method fly'],
  ['{"id":4,"method":"toString","params":{}}', 4, 'there is no method toString'],
  ['{"id":5,"method":"closeListener","params":{"listener":9}}', 5, 'there is no listener 9'],
  ['{"id":6,"method":"holdCheck","params":{"hold":0,"timeoutMs":1}}', 6, 'there is no held connection 0'],
  ['no JSON', 0, 'JSON'],
])('reports what is wrong with %s and goes on', async (line, id, message) => {
  expect(await converse(line, '{"id":8,"method":"ping","params":{}}')).toEqual([
    { id, error: { message: expect.stringContaining(message) } },
    { id: 8, result: { pid: process.pid } },
  ]);
});

test('ends when its input ends', async () => {
  expect(await converse()).toEqual([]);
});
