import { open } from 'node:fs/promises';
import { orderOf, parseEntry, pathIn, type TreeEntry } from '../core/mtree.ts';

/** The lines of a manifest.mtree, in its order, those of entries only. */
export async function* recordedLines(mtree: string): AsyncGenerator<string> {
  const file = await open(mtree);
  try {
    for await (const line of file.readLines()) if (line.startsWith('./')) yield line;
  } finally {
    await file.close();
  }
}

/** The entries of a manifest.mtree, in its order. */
export async function* recordedEntries(mtree: string): AsyncGenerator<TreeEntry> {
  for await (const line of recordedLines(mtree)) {
    const entry = parseEntry(line);
    if (entry) yield entry;
  }
}

/** The digest that a manifest.mtree has of a file. */
export async function recordedDigest(mtree: string, path: string): Promise<string | undefined> {
  for await (const line of recordedLines(mtree)) {
    if (pathIn(line) === path) return parseEntry(line)?.digest;
  }
  return undefined;
}

/** The line of each path, for whoever asks in the order of a walk. */
export interface LinesInOrder {
  of(path: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Reads a manifest.mtree as far as it is asked for, and keeps nothing of it. */
export function linesInOrder(mtree: string): LinesInOrder {
  const lines = recordedLines(mtree);
  const next = async (): Promise<{ path: string; line: string } | undefined> => {
    const { value: line } = (await lines.next()) as { value: string | undefined };
    return line === undefined ? undefined : { path: pathIn(line), line };
  };
  let current = { path: '', line: '' } as { path: string; line: string } | undefined;
  return {
    of: async (path) => {
      // The empty path is before any other.
      while (current !== undefined && orderOf(current.path, path) < 0) current = await next();
      return current?.path === path ? current.line : undefined;
    },
    close: async () => void (await lines.return(undefined)),
  };
}
