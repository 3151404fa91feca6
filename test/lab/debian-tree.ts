import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { command, type Progress, succeeds } from './command.ts';
import { debianMirror } from './machine-pool.ts';
import { debCacheDir } from './paths.ts';

/** The Debian of every tree the lab makes. */
export const suite = 'trixie';

const archivesOf = (tree: string): string => `${tree}/var/cache/apt/archives`;

/** Content of a sources.list: where the packages of every tree come from. */
export function debianSources(mirror: string): string {
  const security = mirror.replace(/\/debian$/, '/debian-security');
  const sources = [
    `${mirror} ${suite}`,
    `${mirror} ${suite}-updates`,
    `${security} ${suite}-security`,
  ];
  return sources.map((source) => `deb ${source} main\n`).join('');
}

/** Fills an empty directory with a minimal Debian and these packages; none of their services starts. */
export async function fillDebianTree(
  tree: string,
  packages: readonly string[],
  onProgress: Progress,
): Promise<void> {
  const mirror = await debianMirror();
  onProgress(`debootstrap ${suite} from ${mirror}`);
  const bootstrap = ['--variant=minbase', `--cache-dir=${debCacheDir}`, suite, tree, mirror];
  await command('debootstrap', bootstrap, { timeoutSeconds: 900 });

  await writeFile(`${tree}/etc/apt/sources.list`, debianSources(mirror));
  await command('cp', ['/etc/resolv.conf', `${tree}/etc/resolv.conf`]);
  const policy = `${tree}/usr/sbin/policy-rc.d`;
  await writeFile(policy, '#!/bin/sh\nexit 101\n');
  await chmod(policy, 0o755);

  onProgress(`${packages.length} packages`);
  await mkdir(archivesOf(tree), { recursive: true });
  await command('mount', ['--bind', debCacheDir, archivesOf(tree)]);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await command('chroot', [tree, 'apt-get', 'update', '-qq'], { timeoutSeconds: 300, env });
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  await command('chroot', [tree, 'apt-get', ...install], { timeoutSeconds: 900, env });
  await command('umount', [archivesOf(tree)]);
  await rm(policy);
}

/** Lets go of the package cache in a tree whose filling was cut off. */
export async function releaseDebianTree(tree: string): Promise<void> {
  if (await succeeds('mountpoint', ['-q', archivesOf(tree)])) {
    await command('umount', [archivesOf(tree)]);
  }
}
