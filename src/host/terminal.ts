import { writeSync } from 'node:fs';

/** The line at the bottom of a terminal that shows what is going on. */
export interface StatusLine {
  show(text: string, fraction?: number): void;
  /** Writes a whole line above it. */
  print(line: string): void;
  clear(): void;
}

/**
 * A terminal or a pipe that goes away while we work must not end us. Not called on the way to
 * "nothing to do": to touch the streams is to set them up, with all their modules.
 */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.listeners('error').includes(ignore)) stream.on('error', ignore);
  }
}

const ignore = (): void => {};

const BAR_CELLS = 20;
const CLEAR_LINE = '\r\u001b[2K';

/** A status line on a terminal; in a pipe only whole lines are written. */
export function createStatusLine(isTerminal: boolean, columns: () => number): StatusLine {
  if (!isTerminal) {
    return { show: () => {}, print: (line) => write(line), clear: () => {} };
  }
  let shown = '';
  const draw = (): void => write(CLEAR_LINE + shown);
  return {
    show: (text, fraction) => {
      const bar = fraction === undefined ? '' : ` ${progressBar(fraction)}`;
      shown = `  ${text}`.slice(0, Math.max(20, columns() - bar.length - 1)) + bar;
      draw();
    },
    print: (line) => {
      write(CLEAR_LINE + line);
      if (shown !== '') draw();
    },
    clear: () => {
      if (shown !== '') write(CLEAR_LINE);
      shown = '';
    },
  };
}

/** `▓▓▓▓░░░░ 45%` */
export function progressBar(fraction: number): string {
  const done = Math.max(0, Math.min(1, fraction));
  const cells = Math.round(done * BAR_CELLS);
  return `${'▓'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${Math.round(done * 100)}%`;
}

/** A terminal that is gone (a dropped connection) must not stop a rollback. */
function write(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Nobody is there to tell.
  }
}
