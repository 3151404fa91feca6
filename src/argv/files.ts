import type { Command } from './command.ts';

/** Writes a whole filesystem's pending data to the disk, by any path on it. */
export function syncFilesystem(path: string): Command {
  return { file: 'sync', args: ['--file-system', path] };
}

/** Copies a file or a tree with modes, times and links; shares its blocks where the disk can. */
export function copyAsIs(from: string, to: string): Command {
  return { file: 'cp', args: ['--archive', '--reflink=auto', '--', from, to] };
}

/** Copies a file or a tree as it is, without its data: the copy has the same blocks, or none is made. */
export function shareBlocks(from: string, to: string): Command {
  return { file: 'cp', args: ['--archive', '--reflink=always', '--', from, to] };
}

/** The directory itself may be a link, as that of a volume that is a bind mount: rsync follows it, too. */
const SELF = '-H';

/**
 * Prints the files below a directory whose inode changed since a moment, relative to it, each ended by NUL.
 *
 * @param excluded patterns as rsync has them, of which those that begin with a slash are looked at
 * @param since seconds since 1970
 */
export function filesChangedSince(
  directory: string,
  excluded: readonly string[],
  since: number,
): Command {
  const prune = excluded
    .filter((pattern) => pattern.startsWith('/'))
    .flatMap((pattern) => ['-path', `${directory}${pattern.replace(/\/$/, '')}`, '-prune', '-o']);
  const wanted = ['-type', 'f', '-newerct', `@${since.toFixed(3)}`, '-printf', '%P\\0'];
  return { file: 'find', args: [SELF, directory, ...prune, ...wanted] };
}

/** As `whatChanged` reads it: type, inode and path from the top, each ended by NUL. */
const AS_FOUND = ['-printf', '%y %i %P\\0'];

/**
 * Looks at all there is below a directory, and itself, once, as `lookedAt` reads it: files whose inode changed since
 * a moment, directories with their inodes, and blocks of 512 bytes of everything.
 *
 * @param excluded patterns as rsync has them: with a slash at the front from the top, else anywhere
 * @param since seconds since 1970
 */
export function findAll(directory: string, excluded: readonly string[], since: number): Command {
  const prune = excluded.flatMap((pattern) => {
    const bare = pattern.replace(/\/$/, '');
    const kind = bare === pattern ? [] : ['-type', 'd'];
    return [...placeOf(bare, directory), ...kind, '-prune', '-o'];
  });
  const changed = ['-type', 'f', '-newerct', `@${since.toFixed(3)}`, '-printf', 'c%P\\0'];
  const directories = ['-type', 'd', '-printf', 'd%i %P\\0'];
  const linked = ['!', '-type', 'd', '!', '-links', '1', '-printf', 'l%b %i\\0'];
  const sizes = [...linked, '-o', '-printf', 'b%b\\0'];
  const all = [...changed, ',', ...directories, ',', ...sizes];
  return { file: 'find', args: [SELF, directory, ...prune, '(', ...all, ')'] };
}

function placeOf(pattern: string, directory: string): string[] {
  if (pattern.startsWith('/')) return ['-path', `${directory}${pattern}`];
  // The top may have such a name itself.
  const place = pattern.includes('/') ? ['-path', `*/${pattern}`] : ['-name', pattern];
  return [...place, '!', '-samefile', directory];
}

/** Whether `findAll` takes a pattern for exactly what rsync does: only rsync's `*` and `?` stop at a slash. */
export function isUnderstood(pattern: string): boolean {
  return !pattern.replace(/\/$/, '').includes('/') || !/[*?[]/.test(pattern);
}

/** Lists what is below a directory. */
export function findEntries(directory: string): Command {
  return { file: 'find', args: [SELF, directory, '-mindepth', '1', ...AS_FOUND] };
}

/**
 * Lists what is below a directory, and itself, where its inode changed since a moment.
 *
 * @param since seconds since 1970
 */
export function findChanged(directory: string, since: number): Command {
  return { file: 'find', args: [SELF, directory, '-newerct', `@${since.toFixed(3)}`, ...AS_FOUND] };
}

/** Makes files look as if nobody had written to them for long: their names are read, each ended by NUL. */
export const makeOlder: Command = {
  file: 'xargs',
  args: [
    '--null',
    '--no-run-if-empty',
    'touch',
    '--no-create',
    '--no-dereference',
    '--date=@0',
    '--',
  ],
};
