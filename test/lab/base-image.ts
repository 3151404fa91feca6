import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { command, type Progress, succeeds } from './command.ts';
import { debianMirror } from './machine-pool.ts';
import { debCacheDir, diskOf, filesDir, poolDir } from './paths.ts';

const suite = 'trixie';
const diskSizeBytes = 8 * 1024 ** 3;

/** No Node and no Ansible: the product must prove that it brings its own runtime. */
const packages = [
  'systemd systemd-sysv dbus kmod udev procps iproute2 iputils-ping iptables nftables',
  'docker.io docker-cli docker-compose docker-buildx docker-registry',
  'busybox-static git openssh-server openssh-client python3 ca-certificates curl jq socat',
  'rsync strace sudo acl attr less nano',
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
  const archives = `${tree}/var/cache/apt/archives`;
  await unmountTree(tree, archives);
  await rm(fresh, { force: true });
  await writeFile(fresh, '');
  await truncate(fresh, diskSizeBytes);
  await command('mkfs.ext4', ['-q', '-F', '-m', '0', '-L', 'labroot', fresh]);
  await mkdir(tree, { recursive: true });
  await command('mount', ['-o', 'loop', fresh, tree]);
  try {
    await fillTree(tree, archives, onProgress);
  } finally {
    await unmountTree(tree, archives);
  }
  await command('mv', [fresh, image]);
  onProgress(`base image ready: ${image}`);
}

async function fillTree(tree: string, archives: string, onProgress: Progress): Promise<void> {
  const mirror = await debianMirror();
  onProgress(`base image: debootstrap ${suite} from ${mirror}`);
  const bootstrap = ['--variant=minbase', `--cache-dir=${debCacheDir}`, suite, tree, mirror];
  await command('debootstrap', bootstrap, { timeoutSeconds: 900 });

  const security = mirror.replace(/\/debian$/, '/debian-security');
  const sources = [
    `${mirror} ${suite}`,
    `${mirror} ${suite}-updates`,
    `${security} ${suite}-security`,
  ];
  const sourcesList = sources.map((source) => `deb ${source} main\n`).join('');
  await writeFile(`${tree}/etc/apt/sources.list`, sourcesList);
  await command('cp', ['/etc/resolv.conf', `${tree}/etc/resolv.conf`]);
  const policy = `${tree}/usr/sbin/policy-rc.d`;
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);

  onProgress(`base image: ${packages.length} packages`);
  await mkdir(archives, { recursive: true });
  await command('mount', ['--bind', debCacheDir, archives]);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await command('chroot', [tree, 'apt-get', 'update', '-qq'], { timeoutSeconds: 300, env });
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  await command('chroot', [tree, 'apt-get', ...install], { timeoutSeconds: 900, env });
  await command('umount', [archives]);
  await rm(policy);

  const setup = labFile('base-setup.sh');
  await command('chroot', [tree, 'bash', '-s', release()], { input: setup, timeoutSeconds: 120 });
}

async function unmountTree(tree: string, archives: string): Promise<void> {
  for (const directory of [archives, tree]) {
    if (await succeeds('mountpoint', ['-q', directory])) await command('umount', [directory]);
  }
}
