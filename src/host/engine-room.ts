import { lstat, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiskState } from '../core/engine-diagnosis.ts';
import { expendable } from '../core/retention.ts';
import { damagedNames } from '../core/verification.ts';
import { readVerifications } from '../records.ts';
import { LATEST, partial } from './backup-layout.ts';
import { listBackups } from './backups.ts';
import { diskOf } from './disk.ts';
import type { StateHost } from './host.ts';
import type { Log } from './log.ts';

/** Less than this, and the next start of anything fails. */
const FULL_BYTES = 16 * 1024 ** 2;
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
export async function diskState(context: RoomContext): Promise<DiskState> {
  const disk = await diskOf(context.root);
  if (disk === undefined || disk.freeBytes >= FULL_BYTES) return 'well';
  return (await oldBackups(context)).length > 0 ? 'room' : 'full';
}

/** Removes backups, the oldest first, until there is room; the newest good one stays. */
export async function makeRoom(context: RoomContext): Promise<void> {
  const { backupsDirectory: directory, root, log } = context;
  for (const name of await oldBackups(context)) {
    // From here on it is no backup any more, and whoever comes next removes the rest of it.
    const scratch = join(directory, partial(name));
    await rename(join(directory, name), scratch);
    await rm(scratch, { recursive: true, force: true });
    log.warn(`the backup ${name} was removed: the disk was full`);
    if (((await diskOf(root))?.freeBytes ?? 0) >= WANTED_BYTES) return;
  }
}

/** Those that may go, the oldest first: on the same disk, not the newest good one, and no container runs from them. */
async function oldBackups({ root, backupsDirectory, state }: RoomContext): Promise<string[]> {
  const found = await lstat(backupsDirectory).catch(() => undefined);
  const disk = await diskOf(root);
  if (found?.isDirectory() !== true || found.dev !== disk?.device) return [];
  const used = await mountedPaths(root);
  const isUsed = (name: string): boolean =>
    used.some((path) => `${path}/`.startsWith(`${backupsDirectory}/${name}/`));
  const latest = await readlink(join(backupsDirectory, LATEST)).catch(() => '');
  const damaged = damagedNames(await readVerifications(state));
  const names = (await listBackups(backupsDirectory)).map(({ name }) => name);
  return expendable(names, 1, damaged)
    .filter((name) => name !== latest && !isUsed(name))
    .toReversed();
}

/** What containers have mounted, by what Docker keeps of each: it need not answer. */
async function mountedPaths(root: string): Promise<string[]> {
  const ids = await readdir(join(root, 'containers')).catch(() => []);
  const paths = await Promise.all(
    ids.map(async (id) => {
      try {
        const text = await readFile(join(root, 'containers', id, 'config.v2.json'), 'utf8');
        const { MountPoints: mounts = {} } = JSON.parse(text) as {
          MountPoints?: Readonly<Record<string, { Source?: string }>>;
        };
        return Object.values(mounts).flatMap(({ Source: source = '' }) => source);
      } catch {
        return [];
      }
    }),
  );
  return paths.flat().filter((path) => path !== '');
}
