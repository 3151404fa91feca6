import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { join } from 'node:path';

const CHUNK_BYTES = 1 << 20;

/**
 * Files that differ between two trees: in kind, mode, size or content, or only on one side. `.git` is
 * left out. A link is followed where it is `path` itself, and compared as a link below it.
 *
 * @param path where to look, relative to both trees: a file or a directory; may be absent
 * @returns paths relative to the trees, in order
 */
export async function differingFiles(old: string, now: string, path: string): Promise<string[]> {
  const pair = await Promise.all([stat(join(old, path)), stat(join(now, path))].map(orAbsent));
  return compare({ old, now }, path, pair[0], pair[1]);
}

interface Trees {
  readonly old: string;
  readonly now: string;
}

async function compare(
  trees: Trees,
  path: string,
  before: Stats | undefined,
  after: Stats | undefined,
): Promise<string[]> {
  if (before === undefined && after === undefined) return [];
  if (before?.isDirectory() !== true && after?.isDirectory() !== true) {
    return (await isSame(trees, path, before, after)) ? [] : [path];
  }
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
  if (before.mode !== after.mode) return false;
  if (before.isSymbolicLink()) {
    return (await readlink(join(old, path))) === (await readlink(join(now, path)));
  }
  // A socket or a device has no content to compare.
  if (!before.isFile()) return true;
  return before.size === after.size && sameBytes(join(old, path), join(now, path));
}

async function sameBytes(one: string, other: string): Promise<boolean> {
  await using left = await open(one);
  await using right = await open(other);
  const [here, there] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
  for (;;) {
    const [a, b] = await Promise.all([left.read(here), right.read(there)]);
    if (!here.subarray(0, a.bytesRead).equals(there.subarray(0, b.bytesRead))) return false;
    if (a.bytesRead === 0) return true;
  }
}

function orAbsent(found: Promise<Stats>): Promise<Stats | undefined> {
  return found.catch(() => undefined);
}
