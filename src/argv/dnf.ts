import type { Command } from './command.ts';

// Each of these does the same with dnf 4 (RHEL 8 to 10 and their kin) and dnf 5 (Fedora 41 and later).

const rpm = (...args: readonly string[]): Command => ({ file: 'rpm', args });
const dnf = (...args: readonly string[]): Command => ({ file: 'dnf', args });

/** What rpm knows of a package: with the epoch, also where that is none (0). */
const FIELDS = String.raw`%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{INSTALLTIME}\n`;
/** The same of a package that can be had. dnf 5 knows no tab there, dnf 4 ends each line once more. */
const AVAILABLE = String.raw`%{name} %{epoch}:%{version}-%{release} %{arch}\n`;

/**
 * Locks do not count: they are ours. dnf 4 has them in a plugin; dnf 5 has no switch but the one for all excludes, and
 * says on stderr that it has no such plugin.
 */
const LOCKED_TOO = ['--disableplugin=versionlock', '--setopt=disable_excludes=*'];
const AS_PLANNED = [...LOCKED_TOO, '--setopt=install_weak_deps=False'];
/** No network is used: the packages are there already. */
const FROM_FILES = '--disablerepo=*';

/** Prints name, version, architecture and time of installation of packages, one a line; what is not there is left out. */
export function listInstalledRpms(names: readonly string[]): Command {
  return rpm('--query', '--all', `--queryformat=${FIELDS}`, ...names);
}

/** Prints every version of packages that dnf knows of, one a line, in any order. It reads the lists that are there. */
export function listAvailableRpms(names: readonly string[]): Command {
  const flags = ['--quiet', '--cacheonly', ...LOCKED_TOO];
  return dnf(...flags, 'repoquery', `--queryformat=${AVAILABLE}`, ...names);
}

/** Prints the locks of packages, in words that differ between dnf 4 and dnf 5. */
export const listLocks: Command = dnf('--cacheonly', FROM_FILES, 'versionlock', 'list');

/** Ends the locks of packages: one of an older version would stay beside a new one. */
export function unlockRpms(names: readonly string[]): Command {
  return dnf('--cacheonly', FROM_FILES, 'versionlock', 'delete', ...names);
}

/** Locks packages to the versions that are installed. */
export function lockRpms(names: readonly string[]): Command {
  return dnf('--cacheonly', FROM_FILES, 'versionlock', 'add', ...names);
}

/**
 * Prints a table of what an upgrade of packages (`NAME`, or `NAME-VERSION`) would do, and does nothing: exit code 1
 * where there is something, 0 where there is nothing. It reads the lists that are there.
 */
export function simulateUpgradeOfRpms(names: readonly string[]): Command {
  return dnf('--cacheonly', '--assumeno', ...AS_PLANNED, 'upgrade', ...names);
}

/**
 * Downloads a package of a version into the working directory.
 *
 * @param architecture as rpm names it: a host may have packages of another one, too
 */
export function downloadRpm(name: string, version: string, architecture: string): Command {
  const architectures = [`--arch=${architecture}`, '--arch=noarch'];
  return dnf('--quiet', ...LOCKED_TOO, 'download', ...architectures, `${name}-${version}`);
}

/** Prints what `listInstalledRpms` does, of a package that is a file. */
export function rpmFields(path: string): Command {
  return rpm('--query', '--package', '--nosignature', `--queryformat=${FIELDS}`, path);
}

/** Reads the whole of a package that is a file; fails where it is damaged, or not signed with a key of this host. */
export function checkRpm(path: string): Command {
  return { file: 'rpmkeys', args: ['--checksig', '--define=_pkgverify_level all', path] };
}

/** Prints the files of a package that are not what was installed; exit code 1 where there are any. */
export function verifyRpm(name: string): Command {
  return rpm('--verify', '--nodeps', '--noscripts', name);
}

/** Installs packages that are files, of newer or older versions. */
export function installRpms(paths: readonly string[]): Command {
  return dnf('--assumeyes', FROM_FILES, ...AS_PLANNED, 'install', ...paths);
}

/** Prints what `installRpms` would do, as `simulateUpgradeOfRpms` does. */
export function simulateRpms(paths: readonly string[]): Command {
  return dnf('--assumeno', FROM_FILES, ...AS_PLANNED, 'install', ...paths);
}

/** Removes packages, and nothing with them: rpm refuses where another one needs them. */
export function removeRpms(names: readonly string[]): Command {
  return rpm('--erase', ...names);
}

/** Says which packages need these; nothing is removed. */
export function whoNeedsRpms(names: readonly string[]): Command {
  return rpm('--erase', '--test', ...names);
}

/** Installs packages that are files once more, in place of whatever there is of them: one version, or two. */
export function forceRpms(paths: readonly string[]): Command {
  return rpm('--upgrade', '--oldpackage', '--replacepkgs', ...paths);
}
