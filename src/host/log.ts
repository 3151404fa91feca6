import { fstatSync, writeSync } from 'node:fs';
import { journalEvents, type EventName } from '../core/events.ts';
import { sendToJournal, stderrIsJournal, SYSLOG_IDENTIFIER } from './journald.ts';

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** What a line is about, beside its text: run, step, phase, commit, service, url, seconds … */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>> & {
  /** What the catalog of the journal explains. */
  readonly event?: EventName | undefined;
};

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Resolves when every line has left the process. Await it before process.exit. */
  flush(): Promise<void>;
}

/** Where lines go. All but the journal is written to stderr: stdout is for what a command prints. */
export type LogStream = 'journal' | 'terminal' | 'plain';

export interface LogOptions {
  readonly stream: LogStream;
  readonly debug: boolean;
  /** Default: a terminal without $NO_COLOR. */
  readonly colour?: boolean;
  /** Takes a finished line, newline included. Default: stderr. */
  readonly write?: (line: string) => void;
  /** Takes a journal entry, false if it could not. Default: the journal. */
  readonly journal?: (fields: Record<string, string | number>) => boolean;
  readonly now?: () => Date;
}

interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** syslog(3) priorities: what `journalctl -p` filters by. */
const PRIORITY: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7 };

const SYMBOL: Record<LogLevel, string> = { error: '✗', warn: '⚠', info: '•', debug: '·' };
const COLOUR: Record<LogLevel, string> = { error: '31', warn: '33', info: '36', debug: '2' };

/** The stream that fits how this process was started. */
export function chooseStream(env: NodeJS.ProcessEnv): LogStream {
  if (stderrIsJournal(env)) return 'journal';
  return stderrIsTerminal() ? 'terminal' : 'plain';
}

function stderrIsTerminal(): boolean {
  try {
    // A tty or pty is a character device, and so is /dev/null (major 1), which gains nothing by colour.
    const { rdev } = fstatSync(2);
    return fstatSync(2).isCharacterDevice() && rdev >> 8 !== 1;
  } catch {
    return false;
  }
}

/** The log of a run that does something: winston, which takes 60 to 100 ms to load. */
export async function createLog(options: LogOptions): Promise<Log> {
  const [{ default: winston }, { default: Transport }] = await Promise.all([
    import('winston'),
    import('winston-transport'),
  ]);
  const deliver = delivery(options);
  const lines = { accepted: 0, delivered: 0 };
  const transport = new Transport({
    log(line: LogLine, next: () => void) {
      deliver(line);
      lines.delivered += 1;
      next();
    },
  });
  const level = options.debug ? 'debug' : 'info';
  const logger = winston.createLogger({ level, transports: [transport] });

  const at =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (!logger.isLevelEnabled(name)) return;
      lines.accepted += 1;
      // Fields in an object of their own: winston gives `message` and `level` among them a meaning.
      logger.log({ level: name, message, fields });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush: async () => {
      // winston's pipe starts on a later tick: lines written just before process.exit would be lost.
      while (lines.delivered < lines.accepted) {
        await new Promise((resolve) => void setImmediate(resolve));
      }
    },
  };
}

/** The log of a run that finds nothing to do: the same lines without winston. */
export function createQuickLog(options: LogOptions): Log {
  const deliver = delivery(options);
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (level !== 'debug' || options.debug) deliver({ level, message, fields });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush: () => Promise.resolve(),
  };
}

function delivery(options: LogOptions): (line: LogLine) => void {
  const write = options.write ?? writeToStderr;
  const journal = options.journal ?? sendToJournal;
  const now = options.now ?? (() => new Date());
  const colour = options.colour ?? !process.env['NO_COLOR'];

  switch (options.stream) {
    case 'journal':
      return (line) => {
        if (journal(journalFields(line))) return;
        // Without libsystemd: systemd reads the priority off the front of each line of stderr.
        const prefix = `<${PRIORITY[line.level]}>`;
        write(`${prefix}${line.message.replaceAll('\n', `\n${prefix}`)}\n`);
      };
    case 'terminal':
      return (line) => write(`${terminalLine(line, now(), { colour, details: options.debug })}\n`);
    case 'plain':
      return (line) => write(`${plainLine(line, now())}\n`);
  }
}

/** `{ exitCode: 1 }` becomes `ORCHESTRATOR_UPDATE_EXIT_CODE=1`; an event has its MESSAGE_ID, too. */
export function journalFields({
  level,
  message,
  fields,
}: LogLine): Record<string, string | number> {
  const entry: Record<string, string | number> = { MESSAGE: message, PRIORITY: PRIORITY[level] };
  if (fields.event !== undefined) entry['MESSAGE_ID'] = journalEvents[fields.event].id;
  const prefix = SYSLOG_IDENTIFIER.toUpperCase().replaceAll('-', '_');
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const upper = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
    entry[`${prefix}_${upper.replaceAll(/[^A-Z0-9]/g, '_')}`] =
      typeof value === 'number' ? value : String(value);
  }
  return entry;
}

/** `14:05:09 • message`; with `details` the fields behind it. */
export function terminalLine(
  { level, message, fields }: LogLine,
  time: Date,
  { colour, details }: { readonly colour: boolean; readonly details: boolean },
): string {
  const paint = (code: string, text: string) =>
    colour && text !== '' ? `\u001B[${code}m${text}\u001B[0m` : text;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const strong = level === 'error' || level === 'warn';
  const text = strong ? paint(COLOUR[level], message) : message;
  const tail = details ? paint('2', fieldText(fields)) : '';
  return `${paint('2', clock)} ${paint(COLOUR[level], SYMBOL[level])} ${text}${tail}`;
}

/** `2026-11-23T14:05:09.000Z warn message step=pull seconds=3` */
export function plainLine({ level, message, fields }: LogLine, time: Date): string {
  return `${time.toISOString()} ${level} ${message}${fieldText(fields)}`;
}

function fieldText(fields: LogFields): string {
  return (
    Object.entries(fields)
      // The event says nothing that is not in the line.
      .filter(([name, value]) => value !== undefined && name !== 'event')
      .map(([name, value]) => {
        const text = String(value);
        return ` ${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
      })
      .join('')
  );
}

/** Straight to fd 2: process.stderr takes a stream and its modules to set up. */
function writeToStderr(line: string): void {
  let rest = Buffer.from(line);
  let patienceMs = 1000;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(2, rest));
    } catch (error) {
      const full = error instanceof Error && 'code' in error && error.code === 'EAGAIN';
      // The reader has gone, or has stopped reading: a log is no reason to stop an update.
      if (!full || patienceMs === 0) return;
      patienceMs -= 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
