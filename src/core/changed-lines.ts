import { pathIn } from './mtree.ts';

/** An entry of a tree whose inode changed since the manifest of it was written. */
export interface ChangedEntry {
  /** One character per byte. */
  readonly path: string;
  readonly isDirectory: boolean;
}

/** What is to be looked at anew, with what was recorded of it. */
export interface LookedAtAnew {
  readonly path: string;
  readonly line: string | undefined;
}

/** Takes the lines of a manifest in its order, some at a time, and gives those of what there is now. */
export interface ChangedLines {
  /** A line that still holds, or what is to be looked at anew, in the order of the manifest. */
  next(lines: readonly string[]): (string | LookedAtAnew)[];
  /** What comes after the last line. */
  end(): LookedAtAnew[];
}

/** No path, which has one character per byte, comes after it. */
const AFTER_ALL = '\uffff';

/** Paths are in the order of a walk where these texts are: `/` comes before every other character. */
const keyOf = (path: string): string => path.replaceAll('/', '\0');

/**
 * Brings the lines of a manifest up to date by what changed in its tree.
 *
 * Whatever is done to an entry changes its inode, and whatever is made or removed in a directory that of the
 * directory: a line holds where neither is among what changed. In a tree into which directories are moved
 * from elsewhere this does not hold.
 *
 * @param changed every entry that may have changed, the top (with an empty path) among them
 * @param namesIn what is in a directory, one character per byte; asked of directories that changed
 */
export function changedLines(
  changed: readonly ChangedEntry[],
  namesIn: (directory: string) => ReadonlySet<string>,
): ChangedLines {
  const waiting = changed
    .filter(({ path }) => path !== '')
    .map((entry) => ({ ...entry, key: keyOf(entry.path) }))
    .toSorted((left, right) => (left.key < right.key ? -1 : 1));
  const directories = new Map<string, ReadonlySet<string> | undefined>(
    changed.filter(({ isDirectory }) => isDirectory).map(({ path }) => [path, undefined]),
  );
  let at = 0;
  // What is below it is gone, or under another entry.
  let gone = '/';
  const isThere = (path: string): boolean => {
    if (path.startsWith(gone)) return false;
    const end = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(0, end));
    if (!directories.has(parent)) return true;
    const names = directories.get(parent) ?? namesIn(parent);
    directories.set(parent, names);
    if (names.has(path.slice(end + 1))) return true;
    gone = `${path}/`;
    return false;
  };
  const before = (key: string): LookedAtAnew[] => {
    const made: LookedAtAnew[] = [];
    for (let next = waiting[at]; next && next.key < key; next = waiting[at]) {
      made.push({ path: next.path, line: undefined });
      at += 1;
    }
    return made;
  };
  const one = (line: string): (string | LookedAtAnew)[] => {
    const path = pathIn(line);
    const key = keyOf(path);
    const next = waiting[at];
    const made = next !== undefined && next.key < key ? before(key) : [];
    const found = waiting[at];
    if (found?.path !== path) return isThere(path) ? [...made, line] : made;
    at += 1;
    if (!found.isDirectory) gone = `${path}/`;
    return [...made, { path, line }];
  };
  return { next: (lines) => lines.flatMap(one), end: () => before(AFTER_ALL) };
}
