export interface ProgressOptions {
  /** Standard error: results go elsewhere. */
  readonly write: (text: string) => void;
  /** The text goes to a terminal, where a line can be written over. */
  readonly live: boolean;
}

/** Tells a waiting human what is being done: a bar at a terminal, a line per step elsewhere. */
export interface Progress {
  /** So many steps are done; `doing` is the one that begins. */
  show(done: number, total: number, doing: string): void;
  /** Something that stays to be read. */
  note(text: string): void;
  /** Removes the bar. */
  end(): void;
}

const BAR_WIDTH = 24;

/** Wider lines would wrap, and what wraps cannot be written over. */
const LINE_WIDTH = 79;

const CLEAR_LINE = '\r\u001B[K';

export function createProgress({ write, live }: ProgressOptions): Progress {
  let line = '';
  const draw = (text: string): void => {
    line = text;
    write(`${CLEAR_LINE}${text}`);
  };
  return {
    show(done, total, doing) {
      if (live) draw(`${bar(done, total)} ${doing}`.slice(0, LINE_WIDTH));
      else write(`${done}/${total} ${doing}\n`);
    },
    note(text) {
      write(live ? `${CLEAR_LINE}${text}\n${line}` : `${text}\n`);
    },
    end() {
      if (live && line !== '') draw('');
    },
  };
}

function bar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const full = Math.round(share * BAR_WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
}
