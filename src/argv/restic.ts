import type { Command } from './command.ts';

// Neither repository nor password nor credentials are ever among the arguments: every user can read
// those. They are in the environment (RESTIC_REPOSITORY, RESTIC_PASSWORD_FILE, AWS_…).

/** Every snapshot of ours has it: what somebody else keeps in the same repository is left alone. */
const OURS = 'orchestrator-update';

/** Whose history it is, among those in one repository. */
export interface HistoryOwner {
  /** The name of the host the backups are of. */
  readonly host: string;
  /** The compose project. */
  readonly project: string;
}

/** What a snapshot is made with. */
export interface SnapshotFacts extends HistoryOwner {
  /** Of the backup. */
  readonly name: string;
  /** Of the release. */
  readonly commit: string;
  /** When the backup was made: `2026-01-02 03:04:05`, in UTC (`TZ=UTC` in the environment). */
  readonly at: string;
  /** The snapshot whose unchanged files are not read again. */
  readonly parent?: string;
}

/** How many snapshots to keep; 0: no rule of this kind. */
export interface KeepRules {
  readonly hourly: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

export const resticVersion: Command = restic('version');

/** Makes a repository. Refuses one that is there. */
export const resticInit: Command = restic('init');

/**
 * Adds the working directory to the history; JSON lines with the progress, the last one a summary.
 *
 * Run it in the backup's directory, with `.` for it: the snapshot's tree then begins with what is in
 * there, whatever the directory is called, so its files are found in `parent`. By itself restic takes a
 * parent with the same path only, and a backup never has the same. The copy's inodes and ctimes are
 * new as well: size and mtime alone tell what changed.
 */
export function resticBackup(facts: SnapshotFacts): Command {
  return restic(
    'backup',
    '--json',
    '--host',
    facts.host,
    '--tag',
    [...tagsOf(facts), `backup=${facts.name}`, `commit=${facts.commit}`].join(','),
    '--time',
    facts.at,
    '--ignore-inode',
    '--ignore-ctime',
    ...(facts.parent === undefined ? [] : ['--parent', facts.parent]),
    '--',
    '.',
  );
}

/** Lists the snapshots of a project, of any host, as JSON. Takes no lock, so it can read what is locked. */
export function resticSnapshots(project: string): Command {
  return restic('snapshots', '--json', '--no-lock', '--tag', tagsOf({ project }).join(','));
}

/**
 * Removes snapshots of this host and project that no rule keeps, and what only they needed. One group:
 * the paths of snapshots differ, and by path each would be the only one of its group and stay.
 */
export function resticForget(owner: HistoryOwner, keep: KeepRules): Command {
  const rules = (['hourly', 'daily', 'weekly', 'monthly'] as const)
    .filter((rule) => keep[rule] > 0)
    .flatMap((rule) => [`--keep-${rule}`, String(keep[rule])]);
  const own = ['--host', owner.host, '--tag', tagsOf(owner).join(','), '--group-by', 'host'];
  return restic('forget', ...own, ...rules, '--prune');
}

/** Removes one snapshot; what it needed stays until the next `--prune`. */
export function resticForgetOne(snapshot: string): Command {
  return restic('forget', snapshot);
}

/**
 * Checks the repository's structure, and reads back part of its data: without reading, a flipped byte
 * in a pack is not found.
 *
 * @param subsetPercent of the packs, chosen at random; 0 to 100
 */
export function resticCheck(subsetPercent: number): Command {
  if (subsetPercent <= 0) return restic('check');
  if (subsetPercent >= 100) return restic('check', '--read-data');
  return restic('check', `--read-data-subset=${subsetPercent}%`);
}

/** Removes locks whose process is gone, or that were not renewed for half an hour; never a live one. */
export const resticUnlock: Command = restic('unlock');

/** The IDs of the locks, one a line. */
export const resticLocks: Command = restic('list', 'locks', '--no-lock');

/** Who has a lock, as JSON. */
export function resticLock(id: string): Command {
  return restic('cat', 'lock', id, '--no-lock');
}

/**
 * Restores a snapshot into a directory, and compares what was written. The directory's own owner and
 * times are not in a snapshot; those of everything in it are.
 *
 * @param isSparse leave holes where there are zeros (restic 0.15)
 */
export function resticRestore(snapshot: string, target: string, isSparse: boolean): Command {
  const sparse = isSparse ? ['--sparse'] : [];
  return restic('restore', snapshot, '--json', '--verify', ...sparse, '--target', target);
}

/** What the whole repository takes, as JSON. */
export const resticStats: Command = restic('stats', '--json', '--no-lock', '--mode', 'raw-data');

/** The same command as a person types it, in a shell without that environment. */
export function resticByHand(
  place: { readonly repository: string; readonly passwordFile: string },
  { file, args }: Command,
): Command {
  return { file, args: ['-r', place.repository, '-p', place.passwordFile, ...args] };
}

function tagsOf({ project }: { readonly project: string }): string[] {
  return [OURS, `project=${project}`];
}

function restic(...args: string[]): Command {
  return { file: 'restic', args };
}
