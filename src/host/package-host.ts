import type { Command } from '../argv/command.ts';
import type { PackageFacts } from '../core/engine-parts.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import type { PackageManager } from '../core/package-words.ts';

/** A package in one version. */
export interface PackageVersion {
  readonly name: string;
  readonly version: string;
}

/** A package that is to be upgraded: to one version, or to the newest if none is told. */
export interface PackageWish {
  readonly name: string;
  readonly version?: string;
}

/** What keeps services as they are while their packages are replaced, as settings of the unit that does it. */
export interface Deferral {
  /** Properties of the unit: `NAME=VALUE`. */
  readonly properties: readonly string[];
  /** Variables of its environment: `NAME=VALUE`. */
  readonly environment: readonly string[];
}

/** What the package manager of this host knows and does: apt (`apt.ts`) or dnf (`dnf.ts`). */
export interface PackageHost {
  readonly manager: PackageManager;
  /** Those of these packages that are installed, also half of them. */
  installed(names: readonly string[]): Promise<PackageFacts[]>;
  /**
   * What an upgrade of these packages would do. Nothing is done, no network is used.
   *
   * @throws {CommandError} where the package manager cannot do it; its words say why
   */
  simulate(wishes: readonly PackageWish[]): Promise<PackageChange[]>;
  /** The versions of a package that can be had, newest first. */
  versions(name: string): Promise<string[]>;
  /** Which of these packages are held. */
  held(names: readonly string[]): Promise<string[]>;
  /** Keeps others from upgrading packages. */
  hold(names: readonly string[]): Promise<void>;
  /** Takes that back. */
  unhold(names: readonly string[]): Promise<void>;
  /** Those of these packages with programs that are not what was installed: a digest of each file is known. */
  damaged(names: readonly string[]): Promise<string[]>;
  /** What an installation has left unfinished, of these packages or of more; undefined where all is whole. */
  unfinished(names: readonly string[]): Promise<string | undefined>;
  readonly files: PackageFiles;
}

/** Packages that are files: those of both sides of an upgrade are on the disk before one is replaced. */
export interface PackageFiles {
  /** Directories where the package manager itself keeps what it has downloaded. */
  caches(): Promise<string[]>;
  /** Whether a file, by its name, may be some version of a package. */
  mayBe(file: string, name: string): boolean;
  /** What is in a file; undefined where it is no package that can be read, or of another machine. */
  describe(path: string): Promise<PackageVersion | undefined>;
  /** @throws {CommandError} where a file is damaged, or comes from nobody who is trusted */
  verify(path: string): Promise<void>;
  /** Brings a package into the working directory. */
  download(wanted: PackageVersion): Command;
  /** Makes a package of what is installed, in the working directory; undefined where nothing does that. */
  repack(name: string): Command | undefined;
  /** What installing files, and removing packages, would do. */
  simulate(paths: readonly string[], removed: readonly string[]): Promise<PackageChange[]>;
  /** Installs files, older versions too, and removes packages; where that was done already, nothing. */
  install(paths: readonly string[], removed: readonly string[]): Promise<readonly Command[]>;
  /** Installs files over whatever an installation that was cut off has left of them. */
  force(paths: readonly string[]): Command;
  /** Goes on with what was cut off without a package; undefined where the packages themselves are needed. */
  readonly finish: Command | undefined;
  /**
   * How an installation is kept from starting or restarting a service.
   *
   * @param policy where a program may be kept that says so
   */
  deferral(policy: string): Deferral;
}
