import type { Command } from './command.ts';

/** Prints name, version and state of packages, one a line; exit code 1 where one of them is not known. */
export function listInstalled(names: readonly string[]): Command {
  const format = '${Package}\\t${Version}\\t${db:Status-Abbrev}\\n';
  return { file: 'dpkg-query', args: ['--show', `--showformat=${format}`, '--', ...names] };
}

/** Prints which version of packages apt would install. Needs no network: it reads the lists that are there. */
export function listCandidates(names: readonly string[]): Command {
  return { file: 'apt-cache', args: ['policy', '--', ...names] };
}

/** Prints the names of packages that are held, one a line. */
export const listHeld: Command = { file: 'apt-mark', args: ['showhold'] };

/**
 * Says what an upgrade of packages would do, and does nothing: a line for each package that it would unpack, remove or
 * configure. Held packages are no obstacle: the hold is ours.
 *
 * @param names of packages that are installed; what is not, is not installed by that
 */
export function simulateUpgrade(names: readonly string[]): Command {
  const flags = ['--simulate', '--only-upgrade', '--allow-change-held-packages'];
  // It takes no lock: somebody else may be installing something.
  return {
    file: 'apt-get',
    args: ['-o', 'Debug::NoLocking=true', 'install', ...flags, '--', ...names],
  };
}

/** Downloads packages of these versions into the working directory, checked against the signed lists. */
export function downloadPackages(packages: readonly string[]): Command {
  // Its own user may not write there.
  return {
    file: 'apt-get',
    args: ['-o', 'APT::Sandbox::User=root', 'download', '--', ...packages],
  };
}

/** Makes a package of what is installed, in the working directory: for one that no mirror has any more. */
export function repackPackage(name: string): Command {
  return { file: 'dpkg-repack', args: ['--', name] };
}

/** Prints name, version and architecture of a package that is a file. */
export function packageFields(file: string): Command {
  const format = '${Package}\\t${Version}\\t${Architecture}\\n';
  return { file: 'dpkg-deb', args: ['--show', `--showformat=${format}`, '--', file] };
}

/** Reads the whole of a package that is a file; fails where it is damaged. */
export function readPackage(file: string): Command {
  return { file: 'dpkg-deb', args: ['--contents', '--', file] };
}

/** Prints what dpkg has left unfinished; nothing where all is well. */
export const auditPackages: Command = { file: 'dpkg', args: ['--audit'] };

/**
 * Prints the files of packages that are not what was installed, one a line: `??5??????   /usr/sbin/dockerd`, with a `c`
 * before the path of a configuration file; exit code 1 where there are some.
 */
export function verifyPackages(names: readonly string[]): Command {
  return { file: 'dpkg', args: ['--verify', ...names] };
}

/** Keeps packages from being upgraded by anybody else. */
export function holdPackages(names: readonly string[]): Command {
  return { file: 'apt-mark', args: ['hold', '--', ...names] };
}

/** Lets anybody upgrade them again. */
export function unholdPackages(names: readonly string[]): Command {
  return { file: 'apt-mark', args: ['unhold', '--', ...names] };
}

/** What is installed from files, and removed; older versions too, and whatever is held: the hold is ours. */
const INSTALL = [
  '--option=Dpkg::Options::=--force-confold',
  '--option=Dpkg::Options::=--force-confdef',
  '--option=DPkg::Lock::Timeout=600',
  '--option=APT::Sandbox::User=root',
  'install',
  '--yes',
  '--no-install-recommends',
  '--allow-downgrades',
  '--allow-change-held-packages',
];

/** Installs packages that are files, and removes others (their configuration and data stay). */
export function installFiles(files: readonly string[], removed: readonly string[]): Command {
  return { file: 'apt-get', args: [...INSTALL, ...files, ...removed.map((name) => `${name}-`)] };
}

/** Says what `installFiles` would do, as `simulateUpgrade` does. */
export function simulateFiles(files: readonly string[], removed: readonly string[]): Command {
  const args = ['--simulate', '--option=Debug::NoLocking=true', ...INSTALL, ...files];
  return { file: 'apt-get', args: [...args, ...removed.map((name) => `${name}-`)] };
}

/** Unpacks and configures packages that are files, whatever state an interrupted dpkg has left them in. */
export function forceFiles(files: readonly string[]): Command {
  const force = ['downgrade', 'remove-reinstreq', 'confold', 'confdef'];
  const flags = [...force.map((one) => `--force-${one}`), '--install', '--'];
  return { file: 'dpkg', args: [...flags, ...files] };
}

/** Lists every version of a package that apt knows of, newest first: `NAME | VERSION | SOURCE`. */
export function listVersions(name: string): Command {
  return { file: 'apt-cache', args: ['madison', '--', name] };
}

/** Goes on with an installation that was cut off; files that a person changed stay. */
export const configurePackages: Command = {
  file: 'dpkg',
  args: ['--force-confold', '--configure', '--pending'],
};
