import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BackupContext } from './backup-layout.ts';
import type { BackupDraft, EngineVersions } from './backup-host.ts';

const ENGINE = 'engine';
/** What a person may have written to have Docker run as it does. */
const FILES = ['/etc/docker/daemon.json', '/etc/containerd/config.toml', '/etc/default/docker'];
const DROP_INS = [
  '/etc/systemd/system/docker.service.d',
  '/etc/systemd/system/containerd.service.d',
];

/** Keeps the configuration of the engine, each file below its own path; for root only: it may have passwords. */
export async function keepEngine(
  { hostRoot = '/' }: BackupContext,
  { directory }: BackupDraft,
  versions: EngineVersions,
): Promise<void> {
  const to = join(directory, ENGINE);
  await mkdir(to, { mode: 0o700 });
  const dropIns = await Promise.all(
    DROP_INS.map(async (path) =>
      ((await unlessAbsent(readdir(join(hostRoot, path)))) ?? [])
        .toSorted()
        .map((name) => `${path}/${name}`),
    ),
  );
  for (const path of [...FILES, ...dropIns.flat()]) {
    await keepFile(join(hostRoot, path), join(to, path));
  }
  await writeFile(join(to, 'versions.json'), `${JSON.stringify(versions, undefined, 2)}\n`);
}

/** Of a link, what it leads to: that is what Docker reads. One that leads to no file stays a link. */
async function keepFile(from: string, to: string): Promise<void> {
  const entry = await unlessAbsent(lstat(from));
  if (entry === undefined) return;
  const found = await unlessAbsent(stat(from));
  if (found?.isFile() === true) {
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, await readFile(from), { flag: 'wx', mode: 0o600 });
    await chown(to, found.uid, found.gid);
    await chmod(to, found.mode & 0o777);
    await utimes(to, found.atime, found.mtime);
  } else if (entry.isSymbolicLink()) {
    await mkdir(dirname(to), { recursive: true });
    await symlink(await readlink(from), to);
  }
}

async function unlessAbsent<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
