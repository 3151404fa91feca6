import { createHash, hash as hashOf } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { differences, digestIn, formatEntry, orderOf, type TreeEntry } from '../core/mtree.ts';
import { changedLines, type ChangedEntry, type LookedAtAnew } from '../core/changed-lines.ts';
import { linesInOrder, recordedBatches, recordedEntries } from './backup-manifest.ts';
import { codeOf, messageOf } from '../errors.ts';
import { entriesBelow, lookAt, namesIn, type Found } from './tree-entries.ts';

/** Shows that things go on, and stops them when asked to. */
export interface Watcher {
  readonly onBytes: (bytes: number) => void;
  /** @throws when it is to be stopped */
  readonly check: () => void;
}

/** The digest of a regular file; undefined: it is not to be read. */
type DigestFor = (found: Found) => Promise<string | undefined>;

const CHUNK_BYTES = 1 << 20;
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
/** Between two of them, timers and signals get their turn. */
const ENTRIES_AT_A_TIME = 200;

/**
 * Everything below a directory but what is left out at its top, in a stable order, as lines of a
 * manifest.mtree, with the SHA-256 of every regular file.
 *
 * @param before the manifest.mtree of what was there before: its digests need not be taken again, where
 * `isKept` says that the file is as it was. Read as the walk goes on: a tree of any size takes no more memory.
 */
export async function* manifestLines(
  root: string,
  leftOut: readonly string[],
  watcher: Watcher,
  before: string | undefined,
  isKept: (stats: BigIntStats) => boolean,
): AsyncGenerator<string> {
  const recorded = before === undefined ? undefined : linesInOrder(before);
  try {
    const digestFor: DigestFor = async ({ entry, file, stats }) => {
      const line = isKept(stats) ? await recorded?.of(entry.path) : undefined;
      return (line && digestIn(line, entry)) ?? fileDigestOf(file, watcher);
    };
    const entries = walkTree(root, leftOut, watcher, digestFor);
    for await (const entry of entries) yield formatEntry(entry);
  } finally {
    await recorded?.close();
  }
}

/**
 * The same where it is known what changed since the manifest was written: the rest is not looked at.
 *
 * @param changed as `changedLines` takes it, without what is left out
 */
export async function* changedManifestLines(
  root: string,
  changed: readonly ChangedEntry[],
  watcher: Watcher,
  before: string,
  isKept: (stats: BigIntStats) => boolean,
): AsyncGenerator<readonly string[]> {
  const top = Buffer.from(root);
  const lines = changedLines(changed, (directory) => namesIn(top, directory));
  const byInode = new Map<string, string>();
  const lineOf = async (one: LookedAtAnew): Promise<string> => {
    const found = lookAt(top, Buffer.from(one.path, 'latin1'));
    if (found.entry.type !== 'file') return formatEntry(found.entry);
    const known = (): string | undefined =>
      one.line !== undefined && isKept(found.stats) ? digestIn(one.line, found.entry) : undefined;
    const digestFor: DigestFor = async ({ file }) => known() ?? fileDigestOf(file, watcher);
    return formatEntry(await withDigest(found, byInode, digestFor));
  };
  for await (const batch of recordedBatches(before)) {
    yield await inTurns(lines.next(batch), lineOf, watcher);
  }
  yield await inTurns(lines.end(), lineOf, watcher);
}

/** Lets signals in between what is looked at. */
async function inTurns(
  items: readonly (string | LookedAtAnew)[],
  lineOf: (item: LookedAtAnew) => Promise<string>,
  watcher: Watcher,
): Promise<string[]> {
  const lines: string[] = [];
  for (const item of items) {
    lines.push(typeof item === 'string' ? item : await lineOf(item));
    if (typeof item === 'string') continue;
    watcher.check();
    if (lines.length % ENTRIES_AT_A_TIME === 0) await turn();
  }
  return lines;
}

async function* walkTree(
  root: string,
  leftOut: readonly string[],
  watcher: Watcher,
  digestFor: DigestFor,
): AsyncGenerator<TreeEntry> {
  // The same file under another name need not be read again.
  const byInode = new Map<string, string>();
  let count = 0;
  for (const found of entriesBelow(Buffer.from(root), Buffer.alloc(0), new Set(leftOut))) {
    yield found.entry.type === 'file' ? await withDigest(found, byInode, digestFor) : found.entry;
    watcher.check();
    count += 1;
    if (count % ENTRIES_AT_A_TIME === 0) await turn();
  }
}

async function withDigest(
  found: Found,
  byInode: Map<string, string>,
  digestFor: DigestFor,
): Promise<TreeEntry> {
  const { entry, stats } = found;
  const inode = stats.nlink > 1n ? `${stats.dev}:${stats.ino}` : undefined;
  const seen = inode === undefined ? undefined : byInode.get(inode);
  const digest = seen ?? (await digestFor(found));
  if (digest === undefined) return entry;
  if (inode !== undefined) byInode.set(inode, digest);
  return { ...entry, digest };
}

/** SHA-256 of a file's content, in hexadecimal digits. */
export async function fileDigestOf(file: Buffer, watcher: Watcher): Promise<string> {
  const descriptor = openSync(file, 'r');
  try {
    const read = (): Buffer => {
      const bytes = readSync(descriptor, chunk, 0, CHUNK_BYTES, null);
      watcher.onBytes(bytes);
      return chunk.subarray(0, bytes);
    };
    let part = read();
    // Most files are small, and read without a detour; a large one lets signals in between.
    if (part.length < CHUNK_BYTES) return hashOf('sha256', part, 'hex');
    const hash = createHash('sha256');
    for (; part.length > 0; part = read()) {
      hash.update(part);
      await turn();
      watcher.check();
    }
    return hash.digest('hex');
  } finally {
    closeSync(descriptor);
  }
}

/** What of a backup is compared. */
interface Part {
  /** So many differences at most. */
  readonly limit?: number;
  /** What is below this place. */
  readonly below?: string;
  /** Whether a file is read; of the others all is compared but their content. */
  readonly isRead?: (path: string) => boolean;
}

/** How a tree differs from its manifest.mtree, one line each. */
export async function compareWithManifest(
  root: string,
  mtree: string,
  leftOut: readonly string[],
  watcher: Watcher,
  { limit = 100, below = '', isRead = () => true }: Part = {},
): Promise<string[]> {
  const problems: string[] = [];
  const recorded = entriesOf(mtree, below);
  // Both are in the order of the walk: a path that is only on one side is met there.
  const found = walkTree(root, leftOut, watcher, async ({ file, entry: { path } }) => {
    if (!isRead(path)) return undefined;
    return fileDigestOf(file, watcher).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error;
      problems.push(`${shown(path)} cannot be read: ${messageOf(error)}`);
      return undefined;
    });
  });
  try {
    let wanted = await nextOf(recorded);
    let seen = await nextOf(found);
    while ((wanted || seen) && problems.length < limit) {
      const order = wanted && seen ? orderOf(wanted.path, seen.path) : wanted ? -1 : 1;
      const name = shown(order <= 0 ? (wanted?.path ?? '') : (seen?.path ?? ''));
      if (order < 0) problems.push(`${name} is missing`);
      else if (order > 0) problems.push(`${name} is not in the manifest`);
      else if (wanted && seen) {
        const known = seen.digest === undefined ? withoutDigest(wanted) : wanted;
        problems.push(...differences(known, seen).map((text) => `${name}: ${text}`));
      }
      if (order <= 0) wanted = await nextOf(recorded);
      if (order >= 0) seen = await nextOf(found);
    }
  } finally {
    await recorded.return(undefined);
  }
  return problems;
}

function withoutDigest(entry: TreeEntry): TreeEntry {
  const { digest: _, ...rest } = entry;
  return rest;
}

/** Whether the disk, or the filesystem on it, does not give back what was written to it. */
export function isUnreadable(error: unknown): boolean {
  return ['EIO', 'EBADMSG', 'EUCLEAN'].includes(codeOf(error) ?? '');
}

async function nextOf(entries: AsyncGenerator<TreeEntry>): Promise<TreeEntry | undefined> {
  const next = await entries.next();
  return next.done === true ? undefined : next.value;
}

/** The entries below a place, as they are named from there. */
async function* entriesOf(mtree: string, below: string): AsyncGenerator<TreeEntry> {
  const front = below === '' ? '' : `${Buffer.from(below).toString('latin1')}/`;
  for await (const entry of recordedEntries(mtree)) {
    if (entry.path.startsWith(front)) yield { ...entry, path: entry.path.slice(front.length) };
  }
}

/** How many bytes the files below a place had. */
export async function sizeBelow(mtree: string, below: string): Promise<number> {
  let bytes = 0n;
  for await (const { size = 0n } of entriesOf(mtree, below)) bytes += size;
  return Number(bytes);
}

function shown(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
