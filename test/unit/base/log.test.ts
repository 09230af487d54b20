import { describe, expect, test, vi } from 'vitest';
import type { LogOptions } from '../../../src/base/log.ts';
import { createLog, silentLog } from '../../../src/base/log.ts';

function collect(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({ level: 'debug', format: 'text', write: (line) => lines.push(line), ...options });
  return { log, lines };
}

describe('text', () => {
  test('is one line with the time of day, the level, the message and the facts', () => {
    const { log, lines } = collect();
    log.info('rules written', { family: 'IPv4', changes: 3 });
    expect(lines).toEqual([
      expect.stringMatching(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}rules written {2}family=IPv4 {2}changes=3\n$/),
    ]);
  });

  test.each([
    ['a number', 1.5, '1.5'],
    ['a word', 'tcp/80', 'tcp/80'],
    ['text with blanks', 'two words', '"two words"'],
    ['text with a quote', 'a"b', String.raw`"a\"b"`],
    ['text with =', 'a=b', '"a=b"'],
    ['empty text', '', '""'],
    ['a line feed', 'a\nb', String.raw`"a\nb"`],
    ['a list', [1, 'x'], '[1,"x"]'],
  ])('spells %s', (_name, value, spelled) => {
    const { log, lines } = collect();
    log.warn('m', { value });
    expect(lines[0]).toContain(`  value=${spelled}\n`);
  });

  test.each([
    ['debug', 'DEBUG'],
    ['info', 'INFO '],
    ['warn', 'WARN '],
    ['error', 'ERROR'],
  ] as const)('%s is spelled %s, in colour when asked', (level, word) => {
    const plain = collect();
    plain.log[level]('m');
    expect(plain.lines[0]).toMatch(new RegExp(`^[0-9:.]+ ${word} m\n$`));
    const coloured = collect({ colour: true });
    coloured.log[level]('m');
    expect(coloured.lines[0]).toContain(`m${word}\u001B[0m m\n`);
  });
});

describe('json', () => {
  test('is one object per line', () => {
    const { log, lines } = collect({ format: 'json' });
    log.error('no', { code: 'internal', deep: { a: [1] } });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 50,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      code: 'internal',
      deep: { a: [1] },
      msg: 'no',
    });
  });
});

test.each([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['silent', []],
] as const)('level %s lets through %j', (level, expected) => {
  const { log, lines } = collect({ level, format: 'json' });
  for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each](each);
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(expected);
});

test('the level can be changed', () => {
  const { log, lines } = collect({ level: 'warn', format: 'text' });
  log.info('unheard');
  log.level = 'info';
  log.info('heard');
  expect([log.level, lines.join('')]).toEqual(['info', expect.stringMatching(/^\S+ INFO {2}heard\n$/)]);
});

test('goes to standard error unless told otherwise', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    createLog({ level: 'info', format: 'text' }).info('hello');
    expect(write.mock.calls.map(([text]) => text)).toEqual([expect.stringContaining('hello\n')]);
  } finally {
    write.mockRestore();
  }
});

test('the silent log takes everything and says nothing', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) silentLog[level]('m', { a: 1 });
    expect(write).not.toHaveBeenCalled();
  } finally {
    write.mockRestore();
  }
});
