import { jsonLine } from './history.ts';
import { printableText } from './secrets.ts';

export type ProblemKind =
  | 'not installed'
  /** There is no repository at that place. */
  | 'missing'
  | 'wrong password'
  | 'locked'
  | 'full'
  /** Its disk takes nothing: read-only, or failing. */
  | 'unwritable'
  | 'unreachable'
  /** The place wants other credentials, or none were given. */
  | 'denied'
  /** A program that restic needs for this place. */
  | 'program missing'
  | 'damaged'
  /** A file of the backup could not be read. */
  | 'unreadable'
  | 'timed out'
  | 'stopped'
  | 'unknown';

export interface HistoryProblem {
  readonly kind: ProblemKind;
  /** restic's own words, on one line. */
  readonly cause: string;
}

/** Exit codes since restic 0.17; before, there is only the text. */
const KINDS: Readonly<Record<number, ProblemKind>> = {
  10: 'missing',
  11: 'locked',
  12: 'wrong password',
};

/** What restic, its backends and the system say. The first that is found counts. */
const patterns: readonly (readonly [ProblemKind, RegExp])[] = [
  ['not installed', /^: is not installed/],
  ['wrong password', /wrong password or no key found/],
  ['locked', /repository is already locked/],
  ['full', /no space left on device|disk quota exceeded|disk full|507 Insufficient Storage/i],
  ['unwritable', /read-only file system|input\/output error/i],
  ['program missing', /exec: "[^"]+": executable file not found/],
  [
    'denied',
    /no credentials found|access ?denied|InvalidAccessKeyId|SignatureDoesNotMatch|unauthorized|forbidden|permission denied|Host key verification failed/i,
  ],
  [
    'unreachable',
    /connection refused|connection reset|no such host|network is unreachable|no route to host|i\/o timeout|TLS handshake|x509:|deadline exceeded|name resolution|server misbehaving|unable to start the sftp session|50[0234] (internal|bad|service|gateway)|broken pipe/i,
  ],
  [
    'missing',
    /unable to open config file:.*(no such file|does(n't| not) exist|not found|\b404\b)/i,
  ],
  [
    'damaged',
    /ciphertext verification failed|is damaged|invalid data returned|Pack ID does not match|contains? \d+ errors?:|pack \w+: does not exist|Load\(<.*no such file|hash (mismatch|does not match)|repository contains errors|already contains keys/i,
  ],
  ['timed out', /took longer than .* and was ended|printed nothing for/],
];

/**
 * No other try can help, yet restic repeats it for a quarter of an hour. And what was given up: restic
 * 0.18 sometimes hangs for good after a pack that could not be saved.
 */
const HOPELESS =
  /^Save\(<.*\) failed: |returned error, retrying after .*(read-only file system|input\/output error|permission denied|no space left|quota exceeded|access ?denied|unauthorized|forbidden)|Load\(<data.*retrying after.*no such file/i;

/** Whether a line that restic printed says that it is better ended. */
export function isHopeless(line: string): boolean {
  return HOPELESS.test(line);
}

/**
 * What went wrong, from what restic printed and what exec.ts said of it.
 *
 * @param exitCode undefined where it was ended, or did not start
 */
export function problemIn(output: string, exitCode: number | undefined): HistoryProblem {
  const lines = output.split('\n').flatMap(plainLines);
  const text = lines.join('\n');
  const byCode = exitCode === undefined ? undefined : KINDS[exitCode];
  const [kind, pattern] = patterns.find(([name, words]) =>
    byCode === undefined ? lines.some((line) => words.test(line)) : name === byCode,
  ) ?? ['unknown' as const, /Fatal: /];
  const at = lines.findIndex((line) => pattern.test(line));
  const cause = kind === 'locked' ? (lockedBy(text) ?? lines[at]) : lines[at];
  return { kind, cause: oneLine(cause ?? lines.at(-1) ?? '') };
}

/** The first file that a backup could not read; restic ends with 3 then, and makes a snapshot all the same. */
export function unreadableIn(output: string): HistoryProblem {
  const lines = output.split('\n').flatMap(plainLines);
  return { kind: 'unreadable', cause: oneLine(lines[0] ?? '') };
}

/** The lines of a line of output: JSON is unpacked; progress and stack traces (restic 0.14) are left out. */
function plainLines(raw: string): string[] {
  const line = raw.replace(/^\u001b\[2K/, '');
  if (/^\t|^(github\.com|golang\.org|main|runtime)[/.]/.test(line)) return [];
  const message = jsonLine(line);
  if (message === undefined) return line.trim() === '' ? [] : [line];
  if (message['message_type'] === 'exit_error') return String(message['message']).split('\n');
  return message['message_type'] === 'error' ? [errorLine(message)] : [];
}

/** `{"error": {"message": …}, "item": …}`; restic 0.14 has `{"error": {"Op": "open", "Err": 13}, …}`. */
function errorLine({ error, item }: Readonly<Record<string, unknown>>): string {
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : String(item);
}

/** `PID 7 on vm by root (UID 0, GID 0), since 2026-01-02 03:04:05 (2m ago)` */
function lockedBy(text: string): string | undefined {
  const [, who, since] =
    /already locked (?:exclusively )?by (.*)\n(?:lock was created at (.*))?/.exec(text) ?? [];
  return since === undefined ? who : `${who}, since ${since}`;
}

const CAUSE_CHARACTERS = 400;

function oneLine(text: string): string {
  return printableText(text.trim().replace(/^Fatal: /, '')).slice(0, CAUSE_CHARACTERS);
}
