/** How much is in a directory tree. */
export interface Size {
  /** What it takes on the disk: holes take nothing. */
  readonly bytes: number;
  readonly entries: number;
}

const BLOCK_BYTES = 512;

/** Adds up lines of links, inode and blocks, as `listSizes` has them printed; a file with many names is one. */
export function sizesIn(lines: string): Size {
  const linked = new Set<string>();
  let [blocks, entries] = [0, 0];
  for (const line of lines.split('\n')) {
    if (line === '') continue;
    const [links, inode = '', size = '0'] = line.split(' ');
    if (links !== '1') {
      if (linked.has(inode)) continue;
      linked.add(inode);
    }
    blocks += Number(size);
    entries += 1;
  }
  return { bytes: blocks * BLOCK_BYTES, entries };
}
