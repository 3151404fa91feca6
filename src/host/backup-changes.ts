import { statfs } from 'node:fs/promises';
import { findAll, findChanged, findEntries, isUnderstood, syncFilesystem } from '../argv/files.ts';
import type { Command } from '../argv/command.ts';
import { whatChanged, type Found } from '../core/changed-entries.ts';
import { lookedAt, type Size } from '../core/sizes.ts';
import type { BackupSource } from './backup-host.ts';
import type { BackupContext } from './backup-layout.ts';
import { exec } from './exec.ts';

/** How a directory was when a copy of it was begun. */
export interface Seen {
  /** From when on changes are told, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** By how much a clock that nobody sets is behind the time of day, when it was looked at. */
  readonly aheadMs: number;
  /** The inode of each directory in it, by its path from there. */
  readonly directories: ReadonlyMap<string, string>;
}

/** Clocks of filesystems are coarse. */
const MARGIN_MS = 2000;
/** A time of day that was set back by more than this makes what changed look old. */
const SET_BACK_MS = 500;
/** With more directories that came from elsewhere, all of it is compared. */
const MOVED_AT_MOST = 100;

/** ext4, XFS, btrfs and f2fs, by statfs(2): the time of an inode is that of this machine's clock. */
const OWN_CLOCK: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010]);

/** A source before it is copied. */
export interface Look {
  readonly size: Size;
  /** The files in it that changed since a moment, one character per byte; undefined where that is not known. */
  readonly changed: readonly string[] | undefined;
  /** From where on what changes in it can be told; undefined where the filesystem does not tell. */
  readonly seen: Seen | undefined;
}

/**
 * Looks at a source before it is copied, so that what changes from here on can be told.
 *
 * It is synced first: who writes to memory that is a file (mmap) changes its time only with the first write
 * to a page since that was written to the disk.
 *
 * @param changedSinceMs since when files count as changed
 */
export async function lookAt(
  context: BackupContext,
  { path, excluded }: BackupSource,
  changedSinceMs: number,
): Promise<Look> {
  const { backup_seconds: timeoutSeconds } = context.config.timeouts;
  await exec(syncFilesystem(path), { timeoutSeconds, watch: context.watch });
  const sinceMs = context.now().getTime() - MARGIN_MS;
  const ahead = aheadMs(context);
  const command = findAll(path, excluded, (changedSinceMs - MARGIN_MS) / 1000);
  const options = { timeoutSeconds, accept: [1], encoding: 'latin1' as const };
  const { size, changed, directories } = lookedAt((await exec(command, options)).stdout);
  // Patterns of what is left out are rsync's to understand: it compares all of such a source again.
  const isTold = excluded.length === 0 && (await hasOwnClock(path));
  return {
    size,
    changed: excluded.every(isUnderstood) ? changed : undefined,
    seen: isTold ? { sinceMs, aheadMs: ahead, directories } : undefined,
  };
}

/** By how much the time of day is ahead of a clock that nobody sets. */
export const aheadMs = (context: Pick<BackupContext, 'now'>): number =>
  context.now().getTime() - performance.now();

/** Whether the filesystem takes the times of inodes from this machine's clock. */
export async function hasOwnClock(directory: string): Promise<boolean> {
  return OWN_CLOCK.has((await statfs(directory)).type);
}

/** By how much the time of day was set back since: so much older than it is can look what was changed. */
export function setBackMs(context: Pick<BackupContext, 'now'>, aheadBeforeMs: number): number {
  return Math.max(0, aheadBeforeMs - aheadMs(context));
}

/** Whether that is more than margins make up for. */
export function isSetBack(context: Pick<BackupContext, 'now'>, aheadBeforeMs: number): boolean {
  return setBackMs(context, aheadBeforeMs) > SET_BACK_MS;
}

/**
 * The paths of what changed in a directory since it was looked at, each relative to it, a directory with a
 * slash at its end: as rsync takes them, with `--dirs --delete`.
 *
 * Whatever is done to an entry or in a directory changes the time of its inode (ctime, which nobody can set);
 * only what is in a directory that was moved here keeps its own.
 *
 * @returns undefined where all of it has to be compared
 */
export async function changedSince(
  context: BackupContext,
  directory: string,
  seen: Seen,
): Promise<readonly string[] | undefined> {
  if (isSetBack(context, seen.aheadMs)) return undefined;
  const changed = await listFound(context, findChanged(directory, seen.sinceMs / 1000));
  const { paths, moved } = whatChanged(changed, seen.directories);
  const names = moved.map(asArgument);
  if (moved.length > MOVED_AT_MOST || names.includes(undefined)) return undefined;
  const inMoved: Found[] = [];
  for (const [index, path] of moved.entries()) {
    const inside = await listFound(context, findEntries(`${directory}/${names[index]}`));
    inMoved.push(...inside.map((one) => ({ ...one, path: `${path}/${one.path}` })));
  }
  return [...paths, ...whatChanged(inMoved, new Map()).paths];
}

/** A path that was read byte by byte; undefined where it is no text, and can be no argument. */
function asArgument(path: string): string | undefined {
  const bytes = Buffer.from(path, 'latin1');
  const text = bytes.toString('utf8');
  return bytes.equals(Buffer.from(text)) ? text : undefined;
}

/** What a `find` of ours prints. */
export async function listFound(context: BackupContext, command: Command): Promise<Found[]> {
  const timeoutSeconds = context.config.timeouts.backup_seconds;
  const { stdout } = await exec(command, { timeoutSeconds, accept: [1], encoding: 'latin1' });
  return stdout
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => {
      const [type = '', inode = ''] = line.split(' ', 2);
      return { type, inode, path: line.slice(type.length + inode.length + 2) };
    });
}
