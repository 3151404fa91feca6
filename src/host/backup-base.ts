import { lstat, mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { shareBlocks } from '../argv/files.ts';
import { parseEntry, type TreeEntry } from '../core/mtree.ts';
import type { BackupContext } from './backup-layout.ts';
import { MANIFEST, MTREE } from './backup-layout.ts';
import { runOutside } from './backup-copy.ts';
import { expendable } from '../core/retention.ts';
import { exec } from './exec.ts';
import type { BackupDraft, BackupManifest } from './backup-host.ts';
import { fileDigestOf, type Watcher } from './backup-digests.ts';
import { recordedBatches } from './backup-manifest.ts';
import { aheadMs } from './backup-changes.ts';

/** A backup whose files a new one is begun with. */
export interface Base {
  readonly manifest: BackupManifest;
  /** `share`: a copy that shares blocks, never inodes. `take`: the old one is gone by that. */
  readonly how: 'share' | 'take';
}

/** Time stamps of filesystems are as coarse as a tick of the kernel: 1 to 10 ms. */
const TICK_MS = 20;
/** What is read again of a base: another part in each hour, and on each day at the same hour, since it is a prime. */
const SAMPLE = 61;
/** `seconds` of a manifest are rounded; clocks of filesystems are coarse. */
const ROUNDED_MS = 300;
/** As statfs(2) names it. It cannot, and nearly every host has it. */
const EXT4 = 0xef53;
const HOUR_MS = 3_600_000;

/**
 * A new backup need not begin empty. Where the disk shares blocks between files, it is begun as a copy of
 * the newest; elsewhere with the files of the oldest, which would go anyway, once there are enough.
 *
 * @param untouchable names of backups that have to stay as they are
 */
export async function chooseBase(
  context: BackupContext,
  backups: readonly BackupManifest[],
  keep: number,
  untouchable: ReadonlySet<string>,
): Promise<Base | undefined> {
  // What is damaged in one would be taken for what it was, and be in the next one, too.
  const damaged = await context.damaged();
  const newest = backups.find(({ name }) => !damaged.has(name));
  if (newest?.schema === 2 && (await sharesBlocks(context))) {
    return { manifest: newest, how: 'share' };
  }
  const names = backups.map(({ name }) => name);
  const old = new Set(expendable(names, Math.max(1, keep - 1), damaged));
  const oldest = backups.findLast(
    ({ name }) => old.has(name) && !damaged.has(name) && !untouchable.has(name),
  );
  return oldest?.schema === 2 ? { manifest: oldest, how: 'take' } : undefined;
}

/** Whether the disk can share blocks between files (btrfs, XFS): found out by trying. */
async function sharesBlocks({ config }: BackupContext): Promise<boolean> {
  const [from, to] = ['a', 'b'].map((name) => join(config.backups_dir, `.partial-probe-${name}`));
  if (from === undefined || to === undefined) return false;
  if ((await statfs(config.backups_dir)).type === EXT4) return false;
  try {
    await writeFile(from, 'x'.repeat(8192), { mode: 0o600 });
    await exec(shareBlocks(from, to), { timeoutSeconds: 60 });
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all([from, to].map((path) => rm(path, { force: true })));
  }
}

/**
 * Lays the draft's directory out. What of the base has rotted on the disk meanwhile is left out.
 *
 * @returns the base, with the moment at which nothing of it had been written to yet
 */
export async function beginFromBase(
  context: BackupContext,
  scratch: string,
  base: Base | undefined,
): Promise<BackupDraft['base']> {
  if (base === undefined) {
    await mkdir(scratch, { mode: 0o755 });
    return undefined;
  }
  const directory = context.config.backups_dir;
  const { name } = base.manifest;
  const from = join(directory, name);
  context.onProgress(`beginning with the files of ${name}`);
  if (base.how === 'take') await rename(from, scratch);
  else
    await runOutside(
      context,
      shareBlocks(from, scratch),
      0,
      context.config.timeouts.backup_seconds,
    );
  await rm(join(scratch, MANIFEST), { force: true });
  await dropRotten(context, scratch, name);
  await wait(TICK_MS);
  const at = context.now();
  await wait(TICK_MS);
  // A copy has new inodes: that they are as they were is not seen by them.
  const sinceMs =
    base.how === 'take' ? Math.min(wholeAtMs(base.manifest), at.getTime()) : undefined;
  return { name, at: at.toISOString(), aheadMs: aheadMs(context), sinceMs };
}

/** When its manifest was taken, or a moment earlier. */
function wholeAtMs({ createdAt, seconds }: BackupManifest): number {
  return Date.parse(createdAt) + seconds * 1000 - ROUNDED_MS;
}

/** Reads a part of the files again, in each backup another; rsync would take them for what they were. */
async function dropRotten(context: BackupContext, scratch: string, base: string): Promise<void> {
  const watcher = watcherOf(context, `reading some files of ${base} again`);
  let index = Math.floor(context.now().getTime() / HOUR_MS);
  for await (const lines of recordedBatches(join(scratch, MTREE))) {
    for (const line of lines) {
      index += 1;
      const entry = index % SAMPLE === 0 ? parseEntry(line) : undefined;
      if (entry?.digest === undefined) continue;
      const path = Buffer.from(entry.path, 'latin1');
      const file = Buffer.concat([Buffer.from(`${scratch}/`), path]);
      if (!(await isRotten(file, entry, watcher))) continue;
      context.warn(
        `${path.toString()} of the backup ${base} is not what was written there: the disk may fail`,
      );
      await rm(file, { force: true });
    }
  }
}

async function isRotten(file: Buffer, entry: TreeEntry, watcher: Watcher): Promise<boolean> {
  const found = await lstat(file, { bigint: true }).catch(() => undefined);
  // What looks otherwise is copied anyway.
  if (!found?.isFile() || found.size !== entry.size || found.mtimeNs !== entry.timeNs) return false;
  return (await fileDigestOf(file, watcher)) !== entry.digest;
}

/** Shows how much was read. */
export function watcherOf(
  context: BackupContext,
  status: string,
  ofBytes = 0,
): { onBytes: (bytes: number) => void; check: () => void } {
  let done = 0;
  let shown = 0;
  let shownAtMs = performance.now();
  const STEP_BYTES = 16_000_000;
  const STEP_MS = 5000;
  const show = (): void => {
    shown = done;
    shownAtMs = performance.now();
    context.onProgress(status, ofBytes > 0 ? Math.min(1, done / ofBytes) : undefined);
  };
  return {
    onBytes: (bytes) => {
      done += bytes;
      if (done - shown >= STEP_BYTES) show();
    },
    check: () => {
      context.signal()?.throwIfAborted();
      // A slow disk, and files of which nothing is read: that is progress, too.
      if (performance.now() - shownAtMs >= STEP_MS) show();
    },
  };
}
