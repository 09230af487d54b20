import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogFormat = 'text' | 'json';

/** Facts beside the message; kept apart from it so that a log can be searched by field. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A log whose level can be changed while the program runs. */
export interface AdjustableLog extends Log {
  level: LogLevel;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Where lines go; standard error by default, so that standard output stays for results. */
  readonly write?: (line: string) => void;
  /** ANSI colours in text lines. */
  readonly colour?: boolean;
}

type LineLevel = Exclude<LogLevel, 'silent'>;

const LEVELS: Readonly<Record<number, LineLevel>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

const COLOURS = { debug: '\u001B[2m', info: '\u001B[32m', warn: '\u001B[33m', error: '\u001B[31m' } as const;

/** One JSON object per line, or `12:34:56.789 WARN message  key=value` for people. */
export function createLog(options: LogOptions): AdjustableLog {
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const stream = {
    write: options.format === 'json' ? write : (line: string) => write(humanLine(line, options.colour ?? false)),
  };
  const logger = pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  const at = (level: LineLevel) => (message: string, fields?: LogFields) => logger[level](fields ?? {}, message);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    get level() {
      return logger.level as LogLevel;
    },
    set level(level) {
      logger.level = level;
    },
  };
}

/** Turns one of pino's JSON lines into a line for people. */
function humanLine(line: string, colour: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: number; time: string; msg: string };
  const word = LEVELS[level] ?? 'error';
  const label = word.toUpperCase().padEnd(5);
  const shown = colour ? `${COLOURS[word]}${label}\u001B[0m` : label;
  const facts = Object.entries(fields).map(([key, value]) => `  ${key}=${spellFact(value)}`);
  return `${time.slice(11, 23)} ${shown} ${msg}${facts.join('')}\n`;
}

function spellFact(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(value);
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
