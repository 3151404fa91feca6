import type { Command } from './command.ts';

/**
 * Copies trees into a directory with modes, owners (as numbers), times, hard links, ACLs, xattrs
 * and holes kept; prints its progress as a percentage. No link to the source is made, so a copy
 * shares no inode with what it copies.
 *
 * @param sources each a path as rsync reads it: with a trailing slash, what is in it
 * @param excluded patterns anchored at the source (`/backups/`)
 */
export function rsyncCopy(
  sources: readonly string[],
  target: string,
  excluded: readonly string[],
): Command {
  return {
    file: 'rsync',
    args: [
      '-aHAXS',
      '--numeric-ids',
      '--info=progress2',
      '--no-inc-recursive',
      ...excluded.map((pattern) => `--exclude=${pattern}`),
      '--',
      ...sources,
      target,
    ],
  };
}
