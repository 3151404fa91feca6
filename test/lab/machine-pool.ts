import { existsSync } from 'node:fs';
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { command, succeeds } from './command.ts';
import type { Programs } from './programs.ts';
import { debCacheDir, hostRecordsDir, poolDir, poolFile, runDir } from './paths.ts';

const poolSizeBytes = 60 * 1024 ** 3;

/** What the lab needs on the outer machine. */
export const labPrograms: Programs = {
  'systemd-nspawn': 'systemd-container',
  debootstrap: 'debootstrap',
  'mkfs.xfs': 'xfsprogs',
  xfs_io: 'xfsprogs',
  'mkfs.ext4': 'e2fsprogs',
  ip: 'iproute2',
  bridge: 'iproute2',
  rsync: 'rsync',
  pgrep: 'procps',
  curl: 'curl',
  nsenter: 'util-linux',
  flock: 'util-linux',
  mount: 'mount',
  tar: 'tar',
};

/** The lab boots machines and mounts disks: root only, and it says so. */
export function assertRoot(): void {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'the lab needs root (it mounts disks and boots systemd-nspawn machines): run it with sudo',
    );
  }
}

/** Directories of the lab; must be there before the first lock is taken. */
export async function makeDirectories(): Promise<void> {
  await mkdir(hostRecordsDir, { recursive: true });
  await mkdir(debCacheDir, { recursive: true });
  await mkdir(poolDir, { recursive: true });
}

/** One sparse XFS file: `cp --reflink` clones whole disks in it in milliseconds. */
export async function mountPool(): Promise<void> {
  if (await succeeds('mountpoint', ['-q', poolDir])) return;
  if (!existsSync(poolFile)) {
    const fresh = `${poolFile}.new`;
    await writeFile(fresh, '');
    await truncate(fresh, poolSizeBytes);
    await command('mkfs.xfs', ['-q', '-f', '-m', 'reflink=1', fresh]);
    await command('mv', [fresh, poolFile]);
  }
  await command('mount', ['-o', 'loop', poolFile, poolDir]);
}

/** Throw the pool away, with every image in it. No machine may be up. */
export async function removePool(): Promise<void> {
  if (await succeeds('mountpoint', ['-q', poolDir])) await command('umount', [poolDir]);
  await command('rm', ['-rf', poolFile, poolDir, runDir]);
}

/** Copy-on-write copy of a disk; takes milliseconds, and appears whole or not at all. */
export async function cloneDisk(from: string, to: string): Promise<void> {
  await command('cp', ['--reflink=always', from, `${to}.new`]);
  await command('mv', [`${to}.new`, to]);
}

/** The Debian mirror the outer machine already uses, without a slash at its end. */
export async function debianMirror(): Promise<string> {
  const sources: [string, RegExp][] = [
    ['/etc/apt/sources.list.d/debian.sources', /^URIs:\s*(\S+)/m],
    ['/etc/apt/sources.list', /^deb\s+(?:\[[^\]]*\]\s*)?(\S+)/m],
  ];
  for (const [file, pattern] of sources) {
    if (!existsSync(file)) continue;
    const found = pattern.exec(await readFile(file, 'utf8'))?.[1];
    if (found !== undefined) return found.replace(/\/$/, '');
  }
  return 'http://deb.debian.org/debian';
}
