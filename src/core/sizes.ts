/** How much is in a directory tree. */
export interface Size {
  /** What it takes on the disk: holes take nothing. */
  readonly bytes: number;
  readonly entries: number;
  /** What the largest file takes: written anew beside the old one, it needs that room once more. */
  readonly largestBytes: number;
}

/** A directory as it was found. */
export interface LookedAt {
  readonly size: Size;
  /** The inode of each directory in it, by its path from there; one character per byte. */
  readonly directories: ReadonlyMap<string, string>;
  /** The files in it that changed since a moment. */
  readonly changed: readonly string[];
}

const BLOCK_BYTES = 512;

/** Reads what `findAll` has printed: parts that each begin with a letter and end with NUL. */
export function lookedAt(printed: string): LookedAt {
  const directories = new Map<string, string>();
  const changed: string[] = [];
  const linked = new Set<string>();
  let [blocks, entries, largest] = [0, 0, 0];
  let end = 0;
  for (let at = 0; (end = printed.indexOf('\0', at)) >= 0; at = end + 1) {
    const kind = printed[at];
    if (kind === 'c') {
      changed.push(printed.slice(at + 1, end));
    } else if (kind === 'd') {
      const space = printed.indexOf(' ', at);
      directories.set(printed.slice(space + 1, end), printed.slice(at + 1, space));
    } else {
      const text = printed.slice(at + 1, end);
      const inode = kind === 'l' ? text.slice(text.indexOf(' ') + 1) : undefined;
      if (inode !== undefined && linked.has(inode)) continue;
      if (inode !== undefined) linked.add(inode);
      const own = Number.parseInt(text, 10);
      blocks += own;
      largest = Math.max(largest, own);
      entries += 1;
    }
  }
  const [bytes, largestBytes] = [blocks * BLOCK_BYTES, largest * BLOCK_BYTES];
  return { size: { bytes, entries, largestBytes }, directories, changed };
}
