import { closeSync, fsyncSync, openSync } from 'node:fs';
import { lstat, mkdir, readdir, realpath, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { rsyncCopy } from '../argv/rsync.ts';
import { megabytes } from '../core/megabytes.ts';
import { roomFor } from '../core/room.ts';
import type { Swap } from '../core/swap.ts';
import { messageOf, RefusedError } from '../errors.ts';
import { watcherOf } from './backup-base.ts';
import { runOutside } from './backup-copy.ts';
import { compareWithManifest, sizeBelow } from './backup-digests.ts';
import { mtreeProblem } from './backup-verify.ts';
import { MTREE, ownPlace, type BackupContext } from './backup-layout.ts';
import type { BackupManifest } from './backup-host.ts';
import { loadLibc } from './native.ts';
import type { SwapHost } from './swap-host.ts';

/** Puts data of a backup in the place of live data: beside it, whole and compared, then by one rename. */
export function createSwaps(context: BackupContext): SwapHost {
  const { backups_dir: backups } = context.config;
  return {
    identity: async (directory) => {
      const found = await lstat(directory, { bigint: true }).catch(() => undefined);
      return found?.isDirectory() ? `${found.ino} ${found.birthtimeNs}` : undefined;
    },
    make,
    fill: (manifest, swap) => fill(context, manifest, swap),
    exchange: async ({ live, other }) => {
      exchange(live, other);
      for (const path of new Set([dirname(live), dirname(other)])) syncDirectory(path);
    },
    remove: (directory) => rm(directory, { recursive: true, force: true }),
    isIn: async ({ name }, place) => {
      const found = await lstat(join(backups, name, place)).catch(() => undefined);
      return found?.isDirectory() ?? false;
    },
    placeOf: (path) => ownPlace(context, path),
  };
}

/** Nobody looks into it before it is what it shall be; then it has the mode that was backed up. */
async function make(directory: string): Promise<void> {
  await refuseLink(dirname(directory));
  await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await refuseLink(directory);
}

async function fill(
  context: BackupContext,
  manifest: BackupManifest,
  { subject, live, other, place }: Swap,
): Promise<void> {
  const source = join(context.config.backups_dir, manifest.name);
  const mtree = join(source, MTREE);
  const damage = await mtreeProblem(source, manifest);
  if (damage !== undefined) throw damaged(manifest, damage);
  await refuseUnfit(subject, live, other);
  await refuseWithoutRoom(context, subject, other, await sizeBelow(mtree, place));
  context.onProgress(`restoring ${subject}`);
  const command = rsyncCopy(`${source}/${place}/`, `${other}/`, []);
  await runOutside(context, command, 0, context.config.timeouts.backup_seconds);
  const watcher = watcherOf(context, `comparing ${subject}`, manifest.sizeBytes);
  const problems = await compareWithManifest(other, mtree, [], watcher, { limit: 5, below: place });
  if (problems.length > 0) throw damaged(manifest, `${subject}: ${problems.join('; ')}`);
}

function damaged({ name }: BackupManifest, what: string): RefusedError {
  return new RefusedError(
    `the backup ${name} is damaged: ${what}`,
    `orchestrator-update backup verify ${name}; orchestrator-update backup list    # take another`,
  );
}

/** What cannot change places is found out before anything is stopped. */
async function refuseUnfit(subject: string, live: string, other: string): Promise<void> {
  await refuseLink(live);
  const [parent, here] = await Promise.all([lstat(dirname(live)), lstat(live)]);
  if (parent.dev !== here.dev) {
    throw unfit(subject, `${live} is a filesystem of its own`);
  }
  const probe = join(other, '.orchestrator-update-probe');
  await rm(probe, { recursive: true, force: true });
  try {
    for (const name of ['a', 'b']) await mkdir(join(probe, name), { recursive: true });
    exchange(join(probe, 'a'), join(probe, 'b'));
  } catch (error) {
    throw unfit(subject, messageOf(error));
  } finally {
    await rm(probe, { recursive: true, force: true });
  }
}

function unfit(subject: string, why: string): RefusedError {
  return new RefusedError(
    `${subject} cannot be put in the place of the live data: ${why}`,
    'orchestrator-update restore BACKUP --to DIRECTORY    # then copy what you need by hand',
  );
}

/** A symbolic link in a place that others can write to could send root's files anywhere. */
async function refuseLink(path: string): Promise<void> {
  const real = await realpath(path);
  if (real === path && (await lstat(path)).isDirectory()) return;
  throw new RefusedError(
    `${path} is not a directory${real === path ? '' : `: it leads to ${real}`}`,
    'orchestrator-update restore BACKUP --to DIRECTORY    # then copy what you need by hand',
  );
}

/** What an earlier try left there needs no room again. */
async function refuseWithoutRoom(
  { config }: BackupContext,
  subject: string,
  directory: string,
  sizeBytes: number,
): Promise<void> {
  const isBegun = (await readdir(directory)).length > 0;
  const { bavail, bsize } = await statfs(directory);
  const needed = roomFor(sizeBytes, config.backup.reserve_mb);
  if (isBegun || bavail * bsize >= needed) return;
  throw new RefusedError(
    `no room to restore ${subject}: ${megabytes(needed)} needed beside the data that is there, ${megabytes(bavail * bsize)} free`,
    `make room on the disk of ${directory}; the cluster was not touched`,
  );
}

/** renameat2(2) with RENAME_EXCHANGE: ext4, XFS, btrfs and tmpfs have it, NFS has not. */
function exchange(left: string, right: string): void {
  const libc = loadLibc();
  if (libc.exchange(left, right) === 0) return;
  const code = getSystemErrorName(-libc.errno());
  throw new Error(`${left} and ${right} cannot be exchanged: ${code}`);
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
