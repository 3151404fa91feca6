import type { PackageFacts } from './engine-parts.ts';
import type { PackageChange } from './engine-upgrade.ts';

/**
 * Reads what `listInstalled` prints: a name, a version and dpkg's state of each package.
 *
 * @param held the names that `listHeld` prints
 * @param candidates as `candidatesIn` has them
 */
export function installedIn(
  text: string,
  held: ReadonlySet<string>,
  candidates: ReadonlyMap<string, string>,
): PackageFacts[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', version = '', state = ''] = line.split('\t');
    // `ii `: wanted and installed; `iU`, `iF`, `iHR`: cut off in the middle; `rc`, `un`: not there.
    const isThere = /^.[UFHWti]/.test(state);
    if (!isThere || version === '') return [];
    const candidate = candidates.get(name);
    return [{ name, version, candidate, isHeld: held.has(name), isWhole: /^.i *$/.test(state) }];
  });
}

/** The candidates of packages, by what `apt-cache policy` prints. */
export function candidatesIn(text: string): ReadonlyMap<string, string> {
  const candidates = new Map<string, string>();
  let name = '';
  for (const line of text.split('\n')) {
    name = /^(\S+):$/.exec(line)?.[1] ?? name;
    const candidate = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== '(none)') candidates.set(name, candidate);
  }
  return candidates;
}

/** Reads what `simulateUpgrade` prints. */
export function changesIn(text: string): PackageChange[] {
  return text.split('\n').flatMap((line) => {
    const [, act, name = '', from, to, origin = ''] =
      /^(Inst|Remv) (\S+)(?: \[([^\]]+)\])?(?: \((\S+)([^)[]*))?/.exec(line) ?? [];
    if (act === undefined) return [];
    const change = {
      name: name.replace(/:[a-z0-9]+$/, ''),
      from,
      to: act === 'Inst' ? to : undefined,
    };
    // `Debian-Security:13/stable-security`, `Ubuntu:24.04/noble-security`.
    return [/security/i.test(origin) ? { ...change, isSecurity: true as const } : change];
  });
}

/** Reads what `listVersions` prints. */
export function versionsIn(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [, version = '', source] = line.split('|').map((cell) => cell.trim());
    return source === undefined || version === '' ? [] : [version];
  });
}

/** A program or library that is not what was installed: no configuration, no documentation, which a host may leave out. */
const DAMAGED = /^(?:[?.\w]{9}|missing) {3,}\/(?:usr\/)?(?:s?bin|lib\w*)\//;

/** Whether `verifyPackages` has found a program that is not what was installed. */
export function isDamagedIn(text: string): boolean {
  return text.split('\n').some((line) => DAMAGED.test(line));
}
