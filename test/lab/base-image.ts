import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { command, type Progress, succeeds } from './command.ts';
import { fillDebianTree, releaseDebianTree, suite } from './debian-tree.ts';
import { diskOf, filesDir, poolDir } from './paths.ts';

const diskSizeBytes = 8 * 1024 ** 3;

/** No Node and no Ansible: the product must prove that it brings its own runtime. */
const packages = [
  'systemd systemd-sysv dbus kmod udev procps iproute2 iputils-ping iptables nftables',
  'docker.io docker-cli docker-compose docker-buildx docker-registry',
  'busybox-static git openssh-server openssh-client python3 ca-certificates curl jq socat',
  'rsync restic strace sudo acl attr less nano',
].flatMap((line) => line.split(' '));

/** Short hash that names an image after everything it was made from. */
export function recipeHash(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 10);
}

export function labFile(name: string): string {
  return readFileSync(`${filesDir}/${name}`, 'utf8');
}

/** Name of the base image; another recipe or another kernel has another name. */
export function baseImageName(): string {
  const recipe = recipeHash(suite, packages.join(' '), release(), labFile('base-setup.sh'));
  return `base-${recipe}`;
}

/** Bare Debian with systemd, Docker and sshd, built once (about 80 s). */
export async function buildBaseImage(onProgress: Progress): Promise<void> {
  const image = diskOf(baseImageName());
  if (existsSync(image)) return;
  const fresh = `${image}.new`;
  const tree = `${poolDir}/base-tree`;
  await unmountTree(tree);
  await rm(fresh, { force: true });
  await writeFile(fresh, '');
  await truncate(fresh, diskSizeBytes);
  await command('mkfs.ext4', ['-q', '-F', '-m', '0', '-L', 'labroot', fresh]);
  await mkdir(tree, { recursive: true });
  await command('mount', ['-o', 'loop', fresh, tree]);
  try {
    await fillDebianTree(tree, packages, (line) => onProgress(`base image: ${line}`));
    const setup = labFile('base-setup.sh');
    await command('chroot', [tree, 'bash', '-s', release()], { input: setup, timeoutSeconds: 120 });
  } finally {
    await unmountTree(tree);
  }
  await command('mv', [fresh, image]);
  onProgress(`base image ready: ${image}`);
}

async function unmountTree(tree: string): Promise<void> {
  await releaseDebianTree(tree);
  if (await succeeds('mountpoint', ['-q', tree])) await command('umount', [tree]);
}
