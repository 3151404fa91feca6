import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { constants, type Stats } from 'node:fs';
import { join } from 'node:path';

/** Most files are small, and there may be tens of thousands. */
const CHUNK_BYTES = 1 << 14;

/**
 * Files that differ between two trees: in kind, in whether they can be run, in size or content, or only on one side. `.git` is
 * left out. A link is followed where it is `path` itself, and compared as a link below it.
 *
 * @param path where to look, relative to both trees: a file or a directory; may be absent
 * @returns paths relative to the trees, in order
 */
export async function differingFiles(
  old: string,
  now: string,
  path: string,
): Promise<DifferingFiles> {
  const pair = await Promise.all([stat(join(old, path)), stat(join(now, path))].map(orAbsent));
  const unreadable: string[] = [];
  const paths = await compare({ old, now, unreadable }, path, pair[0], pair[1]);
  return { paths, unreadable };
}

/** Paths relative to the trees. */
export interface DifferingFiles {
  readonly paths: readonly string[];
  /** What this user may not read, and nobody can compare. */
  readonly unreadable: readonly string[];
}

interface Trees {
  readonly old: string;
  readonly now: string;
  readonly unreadable: string[];
}

async function compare(
  trees: Trees,
  path: string,
  before: Stats | undefined,
  after: Stats | undefined,
): Promise<string[]> {
  try {
    return await compareReadable(trees, path, before, after);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    trees.unreadable.push(path);
    return [];
  }
}

async function compareReadable(
  trees: Trees,
  path: string,
  before: Stats | undefined,
  after: Stats | undefined,
): Promise<string[]> {
  if (before === undefined && after === undefined) return [];
  if (before?.isDirectory() !== true && after?.isDirectory() !== true) {
    return (await isSame(trees, path, before, after)) ? [] : [path];
  }
  // A directory that is something else on the other side, even an empty one.
  if (before && after && before.isDirectory() !== after.isDirectory()) return [path];
  const names = await Promise.all([
    before?.isDirectory() === true ? readdir(join(trees.old, path)) : [],
    after?.isDirectory() === true ? readdir(join(trees.now, path)) : [],
  ]);
  const found: string[] = [];
  for (const name of [...new Set(names.flat())].toSorted()) {
    if (name === '.git') continue;
    const below = join(path, name);
    const [was, is] = await Promise.all(
      [lstat(join(trees.old, below)), lstat(join(trees.now, below))].map(orAbsent),
    );
    found.push(...(await compare(trees, below, was, is)));
  }
  return found;
}

async function isSame(
  { old, now }: Trees,
  path: string,
  before: Stats | undefined,
  after: Stats | undefined,
): Promise<boolean> {
  if (before === undefined || after === undefined) return false;
  if (before.ino === after.ino && before.dev === after.dev) return true;
  const [from, to] = [join(old, path), join(now, path)];
  const links = [before.isSymbolicLink(), after.isSymbolicLink()];
  if (links[0] && links[1]) return (await readlink(from)) === (await readlink(to));
  // A staged tree links to what lies beside git's files in the live one.
  if (links[0]) return (await readlink(from)) === to;
  if (links[1]) return (await readlink(to)) === from;
  if (kindOf(before) !== kindOf(after)) return false;
  // A socket or a device has no content to compare.
  if (!before.isFile()) return true;
  // As git: the other bits are the umask's.
  if ((before.mode & OWNER_RUNS) !== (after.mode & OWNER_RUNS)) return false;
  return before.size === after.size && sameBytes(from, to);
}

const OWNER_RUNS = 0o100;

function kindOf({ mode }: Stats): number {
  return mode & constants.S_IFMT;
}

async function sameBytes(one: string, other: string): Promise<boolean> {
  await using left = await open(one);
  await using right = await open(other);
  const [here, there] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  for (;;) {
    const [a, b] = await Promise.all([left.read(here), right.read(there)]);
    if (!here.subarray(0, a.bytesRead).equals(there.subarray(0, b.bytesRead))) return false;
    if (a.bytesRead === 0) return true;
  }
}

function orAbsent(found: Promise<Stats>): Promise<Stats | undefined> {
  return found.catch(() => undefined);
}
