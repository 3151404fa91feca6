/** Who installs packages on a host: apt on Debian and Ubuntu, dnf on Fedora, RHEL, Rocky and Alma. */
export type PackageManager = 'apt' | 'dnf';

/** What a person types into the package manager of a host. */
export interface PackageWords {
  /** Shows the versions of a package that can be had. */
  readonly versions: (name: string) => string;
  /** Asks the archives again what there is. */
  readonly refresh: string;
  /** What to do where the package of what is installed can be had nowhere any more. */
  readonly oldPackage: string;
  /** Keeps packages as they are. */
  readonly hold: (names: readonly string[]) => string;
  /** Ends what an installation that was cut off has left. */
  readonly finish: string;
  /** The same, and shows what is left then. */
  readonly unfinished: string;
  /** Shows who installs something at this moment. */
  readonly installers: string;
  /** Packages that upgrade others by themselves. */
  readonly upgraders: readonly string[];
}

const words: Readonly<Record<PackageManager, PackageWords>> = {
  apt: {
    versions: (name) => `apt-cache madison ${name}    # what can; apt-get update asks again`,
    refresh: 'apt-get update; then try again',
    oldPackage:
      'apt-get install dpkg-repack; then try again: it makes the package of what is installed',
    hold: (names) => `apt-mark hold ${names.join(' ')}`,
    finish: 'dpkg --configure -a',
    unfinished: 'dpkg --configure -a; dpkg --audit',
    installers: 'ps -C apt,apt-get,dpkg,unattended-upgr',
    upgraders: ['unattended-upgrades'],
  },
  dnf: {
    versions: (name) =>
      `dnf repoquery --cacheonly ${name}    # what can; dnf makecache --refresh asks again`,
    refresh: "dnf install 'dnf-command(download)'; dnf makecache --refresh; then try again",
    oldPackage:
      'add a repository that still has it, or put its .rpm below /var/cache/dnf; then try again',
    hold: (names) => `dnf versionlock add ${names.join(' ')}`,
    finish: 'orchestrator-update engine repair',
    unfinished: 'orchestrator-update engine repair; rpm --verify docker-ce containerd.io',
    installers: 'ps -C dnf,dnf5,yum,rpm,dnf-automatic',
    upgraders: ['dnf-automatic', 'dnf5-plugin-automatic'],
  },
};

/** The words of a package manager; apt's where there is none, as nothing else is said then. */
export function wordsOf(manager: PackageManager | undefined): PackageWords {
  return words[manager ?? 'apt'];
}
