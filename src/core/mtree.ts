/**
 * What a backup holds, entry by entry, in the format of mtree(5) with full paths, as BSD's mtree and
 * libarchive read and write it. Paths are bytes: texts here have one character per byte (latin1).
 */

export type EntryType = 'file' | 'dir' | 'link' | 'fifo' | 'char' | 'block' | 'socket';

/** One entry of a tree. */
export interface TreeEntry {
  /** Relative to the tree, one character per byte. */
  readonly path: string;
  readonly type: EntryType;
  /** The permission bits, setuid, setgid and sticky included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the last modification, in nanoseconds since 1970; not kept of a socket. */
  readonly timeNs: bigint;
  /** Of a regular file. */
  readonly size?: bigint;
  /** SHA-256 of a regular file, in hexadecimal digits. */
  readonly digest?: string;
  /** Where a symbolic link points to, one character per byte. */
  readonly target?: string;
  /** Of a device: major and minor number. */
  readonly device?: readonly [major: number, minor: number];
}

export const MTREE_HEADER = '#mtree v2.0';

/** SHA-256, in hexadecimal digits. */
const DIGEST_DIGITS = 64;

const NANOSECONDS = 1_000_000_000n;

/** An entry as a line, without its end. */
export function formatEntry(entry: TreeEntry): string {
  const { type, size, digest, target, device } = entry;
  return [
    `./${escaped(entry.path)}`,
    `type=${type}`,
    `mode=${entry.mode.toString(8).padStart(4, '0')}`,
    `uid=${entry.uid}`,
    `gid=${entry.gid}`,
    `time=${formatTime(entry.timeNs)}`,
    ...(size === undefined ? [] : [`size=${size}`]),
    ...(digest === undefined ? [] : [`sha256digest=${digest}`]),
    ...(target === undefined ? [] : [`link=${escaped(target)}`]),
    ...(device === undefined ? [] : [`device=linux,${device[0]},${device[1]}`]),
  ].join(' ');
}

/** The entry of a line; undefined for a comment, an empty line and what is no entry. */
export function parseEntry(line: string): TreeEntry | undefined {
  const [name = '', ...words] = line.split(' ');
  if (!name.startsWith('./')) return undefined;
  const values = new Map(words.map((word) => split(word)));
  const type = values.get('type');
  if (!isType(type)) return undefined;
  const [size, digest, target, device] = ['size', 'sha256digest', 'link', 'device'].map((key) =>
    values.get(key),
  );
  const numbers = device?.split(',').slice(1).map(Number);
  return {
    path: unescaped(name.slice(2)),
    type,
    mode: Number.parseInt(values.get('mode') ?? '0', 8),
    uid: Number(values.get('uid')),
    gid: Number(values.get('gid')),
    timeNs: parseTime(values.get('time') ?? '0'),
    ...(size === undefined ? {} : { size: BigInt(size) }),
    ...(digest === undefined ? {} : { digest }),
    ...(target === undefined ? {} : { target: unescaped(target) }),
    ...(numbers === undefined ? {} : { device: [numbers[0] ?? 0, numbers[1] ?? 0] as const }),
  };
}

/** The path of the entry of a line. */
export function pathIn(line: string): string {
  const end = line.indexOf(' ');
  const name = line.slice(2, end < 0 ? undefined : end);
  return name.includes('\\') ? unescaped(name) : name;
}

/** The digest in the line of a file, where that was written of one with this time and size. */
export function digestIn(
  line: string,
  { timeNs, size }: Pick<TreeEntry, 'timeNs' | 'size'>,
): string | undefined {
  const words = ` time=${formatTime(timeNs)} size=${size} sha256digest=`;
  const at = line.indexOf(words);
  return at < 0 ? undefined : line.slice(at + words.length, at + words.length + DIGEST_DIGITS);
}

/** The order of a walk: by the names on the way, each by its bytes. */
export function orderOf(left: string, right: string): number {
  if (left === right) return 0;
  const [ours, theirs] = [left.split('/'), right.split('/')];
  for (const [index, name] of ours.entries()) {
    const other = theirs[index];
    if (other === undefined) return 1;
    if (name !== other) return name < other ? -1 : 1;
  }
  return ours.length - theirs.length;
}

/** How an entry differs from what was recorded of it, in a person's words. */
export function differences(recorded: TreeEntry, found: TreeEntry): string[] {
  if (recorded.type !== found.type) return [`is a ${found.type}, not a ${recorded.type}`];
  const octal = ({ mode }: TreeEntry): string => mode.toString(8).padStart(4, '0');
  const isTimeless = recorded.type === 'socket';
  return [
    ...(recorded.digest === found.digest && recorded.size === found.size
      ? []
      : ['its content differs']),
    ...different('mode', octal(recorded), octal(found)),
    ...different('owner', String(recorded.uid), String(found.uid)),
    ...different('group', String(recorded.gid), String(found.gid)),
    ...(isTimeless ? [] : different('time', formatTime(recorded.timeNs), formatTime(found.timeNs))),
    ...different('target', recorded.target ?? '', found.target ?? ''),
    ...different('device', String(recorded.device ?? ''), String(found.device ?? '')),
  ];
}

function different(what: string, was: string, is: string): string[] {
  return was === is ? [] : [`${what} ${is}, not ${was}`];
}

function split(word: string): readonly [string, string] {
  const at = word.indexOf('=');
  return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
}

function isType(type: string | undefined): type is EntryType {
  return ['file', 'dir', 'link', 'fifo', 'char', 'block', 'socket'].includes(type ?? '');
}

/** Seconds and nanoseconds; the nanoseconds of a time before 1970 count forwards, too. */
function formatTime(timeNs: bigint): string {
  const rest = ((timeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return `${(timeNs - rest) / NANOSECONDS}.${String(rest).padStart(9, '0')}`;
}

function parseTime(text: string): bigint {
  const [seconds = '0', rest = '0'] = text.split('.');
  return BigInt(seconds) * NANOSECONDS + BigInt(rest);
}

/** As vis(3) with VIS_OCTAL: what is no visible ASCII, and what means something to a shell or to mtree. */
function escaped(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex -- they are what is to be escaped
    /[^\x21-\x7e]|[\\#*?[=]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}

function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
