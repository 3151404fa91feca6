import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rsyncCopy } from '../argv/rsync.ts';
import { isInPart, type Part } from '../core/verification.ts';
import { messageOf, OperatorError, RefusedError } from '../errors.ts';
import { watcherOf } from './backup-base.ts';
import { runOutside } from './backup-copy.ts';
import { compareWithManifest, isUnreadable, type Watcher } from './backup-digests.ts';
import { MANIFEST, MTREE, type BackupContext } from './backup-layout.ts';
import type { BackupManifest, SampleRead } from './backup-host.ts';

/** Reads every file of a backup, and compares it with its manifest. */
export async function verifyBackup(
  context: BackupContext,
  manifest: BackupManifest,
): Promise<string[]> {
  const { name, sizeBytes } = manifest;
  return readAgain(context, manifest, watcherOf(context, `reading the backup ${name}`, sizeBytes));
}

/**
 * Reads a part of the files of a backup, and compares everything else of it without reading it.
 *
 * @throws {OperatorError} when it takes longer than `timeouts.backup_seconds`
 */
export async function sampleBackup(
  context: BackupContext,
  manifest: BackupManifest,
  part: Part,
): Promise<SampleRead> {
  const { number, of } = part;
  const status = `reading part ${number} of ${of} of the backup ${manifest.name}`;
  const watcher = watcherOf(context, status, manifest.sizeBytes / of);
  const read = { files: 0, bytes: 0 };
  const limitSeconds = context.config.timeouts.backup_seconds;
  const endsAtMs = performance.now() + limitSeconds * 1000;
  const counted: Watcher = {
    onBytes: (bytes) => {
      read.bytes += bytes;
      watcher.onBytes(bytes);
    },
    check: () => {
      watcher.check();
      if (performance.now() > endsAtMs) throw new TookTooLongError(limitSeconds);
    },
  };
  const problems = await readAgain(context, manifest, counted, (path) => {
    const isRead = isInPart(path, part);
    if (isRead) read.files += 1;
    return isRead;
  });
  return { ...read, problems };
}

/** What was read so far says nothing of the rest. */
class TookTooLongError extends OperatorError {
  override name = 'TookTooLongError';

  constructor(seconds: number) {
    super(
      `it was given up after ${seconds} s`,
      'set timeouts.backup_seconds higher, or backup.verify.sample_percent lower',
    );
  }
}

/** How a backup differs from its manifest; of files that are not read, all but the content. */
async function readAgain(
  context: BackupContext,
  manifest: BackupManifest,
  watcher: Watcher,
  isRead: (path: string) => boolean = () => true,
): Promise<string[]> {
  const directory = join(context.config.backups_dir, manifest.name);
  const problem = await mtreeProblem(directory, manifest);
  if (problem !== undefined) return [problem];
  try {
    const mtree = join(directory, MTREE);
    return await compareWithManifest(directory, mtree, [MANIFEST, MTREE], watcher, { isRead });
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return [`the disk does not give it back: ${messageOf(error)}`];
  }
}

/** What keeps the digests of a backup from being believed; undefined where they can be. */
export async function mtreeProblem(
  directory: string,
  { mtreeDigest }: BackupManifest,
): Promise<string | undefined> {
  if (mtreeDigest === undefined) {
    return 'it was made by an earlier version, without digests: it cannot be verified';
  }
  const found = await readFile(join(directory, MTREE)).catch(() => undefined);
  if (found === undefined) return `${MTREE} is missing`;
  return createHash('sha256').update(found).digest('hex') === mtreeDigest
    ? undefined
    : `${MTREE} is not what ${MANIFEST} says: it was changed, or the disk fails`;
}

/**
 * Lays the files of a backup into a directory that is empty or not there, and compares them.
 *
 * @returns how they differ from what was backed up, one line each
 * @throws {RefusedError} when something is in the directory; nothing is written then
 */
export async function restoreBackup(
  context: BackupContext,
  manifest: BackupManifest,
  target: string,
): Promise<string[]> {
  const there = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (there !== undefined && there.length > 0) {
    throw new RefusedError(
      `${target} is not empty: a restore never overwrites anything`,
      `name a directory that is empty or not there: orchestrator-update restore ${manifest.name} --to ${target}/${manifest.name}`,
    );
  }
  // What is in a backup is not for every user's eyes, whatever the directory around it is.
  if (there === undefined) await mkdir(target, { mode: 0o700, recursive: true });
  const source = join(context.config.backups_dir, manifest.name);
  const command = rsyncCopy(`${source}/`, `${target}/`, []);
  await runOutside(context, command, 0, context.config.timeouts.backup_seconds);
  if (manifest.mtreeDigest === undefined) return [];
  const watcher = watcherOf(context, `comparing ${target}`, manifest.sizeBytes);
  return compareWithManifest(target, join(source, MTREE), [MANIFEST, MTREE], watcher);
}
