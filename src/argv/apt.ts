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
