/** An entry of a directory tree as `find` prints it. */
export interface Found {
  /** `d` for a directory, as `find -printf %y` has it. */
  readonly type: string;
  readonly inode: string;
  /** From the top of the tree; empty for the top itself. */
  readonly path: string;
}

/** What has to be compared again, and the directories in which everything has. */
export interface Changed {
  /** As rsync takes them: a directory ends with a slash, and stands for what is right in it. */
  readonly paths: readonly string[];
  /** Directories that were not at this path before: what is in them may look as if it had always been there. */
  readonly moved: readonly string[];
}

/**
 * Says what has to be compared where these entries changed.
 *
 * @param before the inode of each directory that was there, by its path
 */
export function whatChanged(
  entries: readonly Found[],
  before: ReadonlyMap<string, string>,
): Changed {
  const paths = entries.map(({ type, path }) => {
    if (type !== 'd') return path;
    return path === '' ? './' : `${path}/`;
  });
  const moved = entries
    .filter(({ type, inode, path }) => type === 'd' && path !== '' && before.get(path) !== inode)
    .map(({ path }) => path);
  const tops = new Set(moved);
  return { paths, moved: moved.filter((path) => !hasParentIn(path, tops)) };
}

function hasParentIn(path: string, directories: ReadonlySet<string>): boolean {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    if (directories.has(path.slice(0, end))) return true;
  }
  return false;
}
