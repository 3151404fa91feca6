import type { Command } from './command.ts';

const AS_IT_IS = [
  '-aHAXS',
  '--numeric-ids',
  // Times are compared to the nanosecond: by whole seconds, what is written twice in one looks the same.
  '--modify-window=-1',
  '--info=progress2',
  '--no-inc-recursive',
  // Who receives says by itself why it ends: handed on by who sends, that may be lost, and only a broken pipe is left.
  '--stderr=all',
];

/**
 * Makes a directory what another is: modes, owners (as numbers), times, hard links, ACLs, xattrs, devices
 * and holes kept, and what the other does not have removed; prints its progress as a percentage. A file
 * that changed is written anew beside the old one and takes its place: a copy shares no inode with what it
 * copies, and never is half of one.
 *
 * @param source with a slash at its end; so is `target`
 * @param excluded patterns; anchored at the source with a slash at the front (`/backups/`). What they match
 * in the target stays.
 */
export function rsyncCopy(source: string, target: string, excluded: readonly string[]): Command {
  const excludes = excluded.map((pattern) => `--exclude=${pattern}`);
  return { file: 'rsync', args: [...AS_IT_IS, '--delete', ...excludes, '--', source, target] };
}

/**
 * The same for some entries alone: their paths from the source are read, each ended by NUL. A directory, with a
 * slash at its end, stands for what is right in it, not for what is deeper.
 */
export function rsyncChanged(source: string, target: string): Command {
  const some = ['--dirs', '--delete', '--delete-missing-args', '--files-from=-', '--from0'];
  return { file: 'rsync', args: [...AS_IT_IS, ...some, '--', source, target] };
}

/** Copies one file, whatever it looks like. */
export function rsyncFile(source: string, target: string): Command {
  return { file: 'rsync', args: [...AS_IT_IS, '--ignore-times', '--', source, target] };
}
