import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rsyncCopy } from '../argv/rsync.ts';
import { RefusedError } from '../errors.ts';
import { watcherOf } from './backup-base.ts';
import { runOutside } from './backup-copy.ts';
import { compareWithManifest } from './backup-digests.ts';
import { MANIFEST, MTREE, type BackupContext } from './backup-layout.ts';
import type { BackupManifest } from './backup-host.ts';

/** Reads every file of a backup, and compares it with its manifest. */
export async function verifyBackup(
  context: BackupContext,
  manifest: BackupManifest,
): Promise<string[]> {
  const { name, sizeBytes } = manifest;
  const directory = join(context.config.backups_dir, name);
  const problem = await mtreeProblem(directory, manifest);
  if (problem !== undefined) return [problem];
  const watcher = watcherOf(context, `reading the backup ${name}`, sizeBytes);
  return compareWithManifest(directory, join(directory, MTREE), [MANIFEST, MTREE], watcher);
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
