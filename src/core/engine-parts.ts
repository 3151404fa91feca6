import type { PackageManager } from './package-words.ts';

/** Whose packages an engine is made of. */
export type EngineFamily = 'docker.io' | 'docker-ce' | 'unsupported';

/** The programs an engine is made of. */
export const partNames = ['dockerd', 'containerd', 'runc', 'cli', 'compose', 'buildx'] as const;
export type PartName = (typeof partNames)[number];

/** What the package manager says of one package. */
export interface PackageFacts {
  readonly name: string;
  readonly version: string;
  /** The version that an upgrade would install; undefined where it knows of none. */
  readonly candidate: string | undefined;
  /** Neither the package manager nor what upgrades by itself touches it. */
  readonly isHeld: boolean;
  /** Unpacked and configured; else an installation was cut off. */
  readonly isWhole: boolean;
}

/** One program of an engine. */
export interface Part {
  readonly name: PartName;
  /** The package it is in; undefined where no package of this family has it. */
  readonly package: PackageFacts | undefined;
  /** The version of the program itself: of the daemon that runs, or of what is called. */
  readonly runs: string | undefined;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly family: EngineFamily;
  /** Of this host; undefined where it is none that is known. */
  readonly packageManager: PackageManager | undefined;
  /** Why nothing of it can be upgraded or repaired here; undefined where it can. */
  readonly why: string | undefined;
  readonly parts: readonly Part[];
}

/** Packages of each part, the first one that is installed counts. */
const packages: Readonly<
  Record<Exclude<EngineFamily, 'unsupported'>, Readonly<Record<PartName, readonly string[]>>>
> = {
  'docker.io': {
    dockerd: ['docker.io'],
    containerd: ['containerd'],
    runc: ['runc'],
    // Up to Debian 12, docker.io has it.
    cli: ['docker-cli', 'docker.io'],
    compose: ['docker-compose', 'docker-compose-v2'],
    buildx: ['docker-buildx'],
  },
  'docker-ce': {
    dockerd: ['docker-ce'],
    containerd: ['containerd.io'],
    runc: ['containerd.io'],
    cli: ['docker-ce-cli'],
    compose: ['docker-compose-plugin'],
    buildx: ['docker-buildx-plugin'],
  },
};

/** Packages that show that an engine is of neither family, and what they are. */
const others: Readonly<Record<string, string>> = {
  'moby-engine': 'moby-engine, of Microsoft or Fedora',
  'podman-docker': 'podman under the name of docker',
};

/** Every package whose presence is asked for. */
export const packagesOfEngines: readonly string[] = [
  ...new Set([
    ...Object.values(packages).flatMap((family) => Object.values(family).flat()),
    ...Object.keys(others),
  ]),
];

/** What tells an engine that is in no package. */
export interface EngineSigns {
  /** Where the program `docker` is, links followed; undefined where it is nowhere. */
  readonly program: string | undefined;
  /** What a daemon says of how it is run, as `docker info` lists it: `rootless`, … */
  readonly securityOptions: readonly string[];
  /** Undefined where there is none that can be asked. */
  readonly packageManager: PackageManager | undefined;
}

/**
 * Puts the parts of an engine together.
 *
 * @param installed the packages of `packagesOfEngines` that are installed
 * @param running versions of the programs, as far as they are known
 */
export function partsOf(
  installed: readonly PackageFacts[],
  running: Readonly<Partial<Record<PartName, string>>>,
  signs: EngineSigns,
): EngineParts {
  const byName = new Map(installed.map((one) => [one.name, one]));
  const family = familyOf(byName);
  const parts = partNames.map((name) => {
    const names = family === 'unsupported' ? [] : packages[family][name];
    const found = names.map((one) => byName.get(one)).find((one) => one !== undefined);
    return { name, package: found, runs: running[name] };
  });
  const { packageManager } = signs;
  return { family, packageManager, why: whyNot(family, byName, signs), parts };
}

function familyOf(installed: ReadonlyMap<string, PackageFacts>): EngineFamily {
  const found = (['docker.io', 'docker-ce'] as const).filter((name) => installed.has(name));
  const [only] = found;
  return found.length === 1 && only !== undefined ? only : 'unsupported';
}

function whyNot(
  family: EngineFamily,
  installed: ReadonlyMap<string, PackageFacts>,
  { program, securityOptions, packageManager }: EngineSigns,
): string | undefined {
  if (securityOptions.some((option) => option.includes('rootless'))) {
    return 'dockerd runs without root (rootless), in no package of this host';
  }
  if (family !== 'unsupported') return undefined;
  const other = Object.keys(others).find((name) => installed.has(name));
  if (other !== undefined) return `it is ${others[other]}`;
  if (installed.has('docker.io')) return 'packages of Debian and of Docker are mixed';
  if (program === undefined) return 'there is no program docker';
  if (program.startsWith('/snap/')) return 'it is a snap: snapd upgrades it by itself';
  if (packageManager === undefined) {
    return 'its packages are of neither apt (Debian, Ubuntu) nor dnf (Fedora, RHEL, Rocky, Alma)';
  }
  return `no package has ${program}`;
}
