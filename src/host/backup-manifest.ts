import { open } from 'node:fs/promises';
import { orderOf, parseEntry, pathIn, type TreeEntry } from '../core/mtree.ts';

const CHUNK_BYTES = 1 << 18;

/** The lines of a manifest.mtree, in its order, those of entries only, some at a time. */
export async function* recordedBatches(mtree: string): AsyncGenerator<readonly string[]> {
  const file = await open(mtree);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = '';
    for (;;) {
      const { bytesRead } = await file.read(chunk);
      // It is plain ASCII: names are escaped.
      const lines = `${rest}${chunk.toString('latin1', 0, bytesRead)}`.split('\n');
      rest = bytesRead === 0 ? '' : (lines.pop() ?? '');
      yield lines.filter((line) => line.startsWith('./'));
      if (bytesRead === 0) return;
    }
  } finally {
    await file.close();
  }
}

/** The same, one by one. */
export async function* recordedLines(mtree: string): AsyncGenerator<string> {
  for await (const lines of recordedBatches(mtree)) yield* lines;
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
  for await (const lines of recordedBatches(mtree)) {
    const line = lines.find((one) => pathIn(one) === path);
    if (line !== undefined) return parseEntry(line)?.digest;
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
