import { lstat, readdir, readFile, readlink, realpath, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskState } from '../core/engine-diagnosis.ts';
import { expendable } from '../core/retention.ts';
import { damagedNames } from '../core/verification.ts';
import { readVerifications } from '../records.ts';
import { isWithin } from '../core/contents.ts';
import { LATEST, MANIFEST, partial } from './backup-layout.ts';
import { listBackups } from './backups.ts';
import { diskOf } from './disk.ts';
import type { StateHost } from './host.ts';
import type { Log } from './log.ts';

/** Less than this, and the next start of anything fails. */
const FULL_BYTES = 16 * 1024 ** 2;
const FEW_INODES = 100;
/** Room is made until this is free. */
const WANTED_BYTES = 1024 ** 3;

/** Where room can be made. */
export interface RoomContext {
  /** Where Docker keeps everything. */
  readonly root: string;
  readonly backupsDirectory: string;
  readonly state: StateHost;
  readonly log: Log;
}

/** Whether the disk of Docker is full, and old backups on it could go. */
export async function diskState(context: RoomContext, isSaidFull: boolean): Promise<DiskState> {
  const disk = await statfs(context.root).catch(() => undefined);
  if (disk === undefined) return 'well';
  const isOutOfInodes = disk.files > 0 && disk.ffree < FEW_INODES;
  const isFull = disk.bavail * disk.bsize < FULL_BYTES || isOutOfInodes || isSaidFull;
  if (!isFull) return 'well';
  const removable = [...(await leftCopies(context)), ...(await oldBackups(context))];
  return removable.length > 0 ? 'room' : 'full';
}

/**
 * Removes what was cut off of backups, then backups, the oldest first, until there is room; the newest good one stays.
 * Only under the lock: no backup is being made.
 */
export async function makeRoom(context: RoomContext, wantedBytes = WANTED_BYTES): Promise<void> {
  const { backupsDirectory: directory, root, log } = context;
  const isEnough = async (): Promise<boolean> =>
    ((await diskOf(root))?.freeBytes ?? 0) >= wantedBytes;
  for (const name of await leftCopies(context)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
  for (const name of (await isEnough()) ? [] : await oldBackups(context)) {
    // From here on it is no backup any more, and whoever comes next removes the rest of it.
    const scratch = join(directory, partial(name));
    await rename(join(directory, name), scratch);
    await rm(scratch, { recursive: true, force: true });
    log.warn(`the backup ${name} was removed: the disk was full`);
    if (await isEnough()) return;
  }
}

/** Whether backups are on the disk of Docker: others are of no use. */
async function isOnSameDisk({ root, backupsDirectory }: RoomContext): Promise<boolean> {
  const found = await lstat(backupsDirectory).catch(() => undefined);
  return found?.isDirectory() === true && found.dev === (await diskOf(root))?.device;
}

async function leftCopies(context: RoomContext): Promise<string[]> {
  if (!(await isOnSameDisk(context))) return [];
  const names = await readdir(context.backupsDirectory);
  return names.filter((name) => name.startsWith(partial('')));
}

/** Those that may go, the oldest first: root has made them, not the newest good one, and no container runs from them. */
async function oldBackups(context: RoomContext): Promise<string[]> {
  const { root, backupsDirectory: directory, state } = context;
  const used = await mountedPaths(root);
  if (used === undefined || !(await isOnSameDisk(context))) return [];
  // RUN.sh mounts what the path leads to.
  const real = await realpath(directory);
  const isUsed = (name: string): boolean =>
    used.some((path) => isWithin(path, join(directory, name)) || isWithin(path, join(real, name)));
  const latest = await readlink(join(directory, LATEST)).catch(() => '');
  const damaged = damagedNames(await readVerifications(state));
  const names = (await listBackups(directory)).map(({ name }) => name);
  const ours = await Promise.all(names.map((name) => isMadeByRoot(join(directory, name))));
  return expendable(
    names.filter((_, index) => ours[index]),
    1,
    damaged,
  )
    .filter((name) => name !== latest && !isUsed(name))
    .toReversed();
}

/** The owner of the work tree may write to the directory of the backups: what is made up there is no backup. */
async function isMadeByRoot(directory: string): Promise<boolean> {
  const [place, manifest] = await Promise.all(
    [directory, join(directory, MANIFEST)].map((path) => lstat(path).catch(() => undefined)),
  );
  return place?.isDirectory() === true && manifest?.isFile() === true && manifest.uid === 0;
}

/** What containers have mounted, by what Docker keeps of each: it need not answer. Undefined where that cannot be said. */
async function mountedPaths(root: string): Promise<string[] | undefined> {
  try {
    // dockerd with `userns-remap` keeps them one directory further down.
    if ((await readdir(root)).some((name) => /^\d+\.\d+$/.test(name))) return undefined;
    const ids = await readdir(join(root, 'containers'));
    const paths = await Promise.all(
      ids.map(async (id) => {
        const text = await readFile(join(root, 'containers', id, 'config.v2.json'), 'utf8');
        const { MountPoints: mounts = {} } = JSON.parse(text) as {
          MountPoints?: Readonly<Record<string, { Source?: string }>> | null;
        };
        return Object.values(mounts ?? {}).flatMap(({ Source: source = '' }) => source);
      }),
    );
    return paths.flat().filter((path) => path !== '');
  } catch {
    return undefined;
  }
}
