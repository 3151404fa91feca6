import { existsSync } from 'node:fs';
import { command, type Progress } from './command.ts';

/** Program → Debian package that brings it. */
export type Programs = Readonly<Record<string, string>>;

const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/**
 * Installs the packages of programs that are missing; does nothing, and asks no mirror, when none is.
 *
 * @throws when it is not root, with the command to type
 */
export async function installPrograms(programs: Programs, onProgress: Progress): Promise<void> {
  const missing = Object.entries(programs)
    .filter(([program]) => !directories.some((directory) => existsSync(`${directory}/${program}`)))
    .map(([, packageName]) => packageName);
  if (missing.length === 0) return;
  const packages = [...new Set(missing)];
  if (process.getuid?.() !== 0) {
    throw new Error(`these packages are missing: sudo apt-get install ${packages.join(' ')}`);
  }
  onProgress(`installing ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await command('apt-get', ['update', '-qq'], { timeoutSeconds: 300, env });
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  await command('apt-get', install, { timeoutSeconds: 600, env });
}
