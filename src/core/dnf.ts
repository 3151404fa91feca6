import type { PackageFacts } from './engine-parts.ts';
import type { PackageChange } from './engine-upgrade.ts';
import { compareRpmVersions } from './rpm-version.ts';

/** A package as rpm lists it. */
export interface Rpm {
  readonly name: string;
  /** `3:28.5.2-1.el9`; without the epoch where that is 0. */
  readonly version: string;
  readonly architecture: string;
  /** Seconds of the epoch; 0 where it is not installed. */
  readonly installedAt: number;
}

/** Reads `NAME VERSION ARCHITECTURE [TIME]`, one a line. */
export function rpmsIn(text: string): Rpm[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', version, architecture, time = ''] = line.trim().split(' ');
    if (version === undefined || architecture === undefined) return [];
    const installedAt = /^\d+$/.test(time) ? Number(time) : 0;
    return [{ name, version: withoutNoEpoch(version), architecture, installedAt }];
  });
}

/** dnf 4, dnf 5 and rpm do not agree whether an epoch of 0 is to be shown. */
function withoutNoEpoch(version: string): string {
  return version.replace(/^0:/, '');
}

/** The versions of each package, newest first. */
export function versionsByName(rpms: readonly Rpm[]): ReadonlyMap<string, readonly string[]> {
  const found = Map.groupBy(rpms, ({ name }) => name);
  return new Map(
    [...found].map(([name, ofName]) => [
      name,
      [...new Set(ofName.map(({ version }) => version))].toSorted((a, b) =>
        compareRpmVersions(b, a),
      ),
    ]),
  );
}

/** What is known of installed packages, beside what rpm lists of them. */
export interface RpmSurroundings {
  /** As `versionsByName` has them. */
  readonly available: ReadonlyMap<string, readonly string[]>;
  readonly locked: ReadonlySet<string>;
  /** Of these, programs are missing, or not what was installed. */
  readonly damaged: ReadonlySet<string>;
}

/** Puts together what is known of installed packages; one that was cut off may be there in two versions. */
export function factsOf(
  rpms: readonly Rpm[],
  { available, locked, damaged }: RpmSurroundings,
): PackageFacts[] {
  const found = Map.groupBy(rpms, ({ name }) => name);
  return [...found].flatMap(([name, ofName]) => {
    const [last] = ofName.toSorted((a, b) => b.installedAt - a.installedAt);
    if (last === undefined) return [];
    const { version } = last;
    const newest = available.get(name)?.[0];
    const isNewer = newest !== undefined && compareRpmVersions(newest, version) >= 0;
    const isOnce = new Set(ofName.map((one) => one.version)).size === 1;
    return [
      {
        name,
        version,
        candidate: isNewer ? newest : undefined,
        isHeld: locked.has(name),
        isWhole: isOnce && !damaged.has(name),
      },
    ];
  });
}

/** The names of locked packages, by what `versionlock list` prints; what is only kept from some versions is not locked. */
export function lockedIn(text: string, names: readonly string[]): ReadonlySet<string> {
  const lines = text.split('\n').map((line) => line.trim());
  const ofDnf5 = lines.flatMap((line, at) => {
    const name = /^Package name: (\S+)$/.exec(line)?.[1];
    return name !== undefined && lines[at + 1]?.startsWith('evr = ') === true ? [name] : [];
  });
  // `docker-ce-3:28.5.1-1.el9.*`
  const isLocked = (name: string): boolean =>
    ofDnf5.includes(name) || lines.some((line) => line === name || isVersionOf(line, name));
  return new Set(names.filter(isLocked));
}

function isVersionOf(line: string, name: string): boolean {
  return line.startsWith(`${name}-`) && /^\d+:/.test(line.slice(name.length + 1));
}

/** Files that are programs; a person may have changed others. */
const PROGRAM = /^\/usr\/(?:s?bin|libexec)\//;

/** Whether `rpm --verify` says that programs are missing, or have another content than was installed. */
export function isDamaged(text: string): boolean {
  return text.split('\n').some((line) => {
    const [, what = '', path = ''] = /^(missing|[\w.?]{9,}) +(?:[a-z] +)?(\/\S+)/.exec(line) ?? [];
    return PROGRAM.test(path) && (what === 'missing' || what[2] === '5');
  });
}

/** What a table of dnf says of one package. */
interface Planned {
  readonly name: string;
  /** Undefined where it is removed. */
  readonly to: string | undefined;
}

const BRINGS = /^(?:Installing|Upgrading|Downgrading)\b/;
const REMOVES = /^Removing\b/;

/**
 * Reads the table of a transaction of dnf 4 or dnf 5; undefined where there is none.
 *
 * Sections are `Upgrading:`, `Installing dependencies:`, …; a row is a name, an architecture, a version and more.
 */
export function plannedIn(text: string): readonly Planned[] | undefined {
  if (!/^Transaction Summary/m.test(text)) return undefined;
  const planned: Planned[] = [];
  let section = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('Transaction Summary')) break;
    const heading = /^(\S.*):$/.exec(line)?.[1];
    section = heading ?? section;
    const row = /^ (\S+) +(\S+) +(\S+)/.exec(line);
    if (row !== null) planned.push(...rowOf(row, section));
    // Of another name: it takes its place.
    const replaced = /^ {2,}replacing +(\S+)/.exec(line)?.[1];
    if (replaced !== undefined)
      planned.push({ name: withoutArchitecture(replaced), to: undefined });
  }
  const brought = new Set(planned.flatMap(({ name, to }) => (to === undefined ? [] : [name])));
  return planned.filter(({ name, to }) => to !== undefined || !brought.has(name));
}

function rowOf([, name = '', , version = '']: RegExpExecArray, section: string): Planned[] {
  if (REMOVES.test(section)) return [{ name, to: undefined }];
  return BRINGS.test(section) ? [{ name, to: withoutNoEpoch(version) }] : [];
}

/** dnf 4 names what is replaced with its architecture. */
function withoutArchitecture(name: string): string {
  return name.replace(/\.(?:noarch|x86_64|aarch64|i686|ppc64le|s390x)$/, '');
}

/** What a plan changes on a host. */
export function changesOf(planned: readonly Planned[], installed: readonly Rpm[]): PackageChange[] {
  const versions = versionsByName(installed);
  const changes = new Map(
    planned.map(({ name, to }) => [name, { name, from: versions.get(name)?.[0], to }]),
  );
  return [...changes.values()].filter(({ from, to }) => from !== to);
}

/** The packages that need others, by what `rpm --erase --test` prints: they are not touched by themselves. */
export function needersIn(text: string): readonly { name: string; version: string }[] {
  const found = text.matchAll(/ is needed by \(installed\) (\S+)-([^-\s]+-[^-\s]+)\.[^.\s]+$/gm);
  return [...found].map(([, name = '', version = '']) => ({
    name,
    version: withoutNoEpoch(version),
  }));
}
