import type { Command } from './command.ts';

/** Writes a whole filesystem's pending data to the disk, by any path on it. */
export function syncFilesystem(path: string): Command {
  return { file: 'sync', args: ['--file-system', path] };
}

/** Bytes and entries below a directory, one filesystem, without some of it. */
export function diskUse(path: string, excluded: readonly string[]): Command {
  return {
    file: 'du',
    args: [
      '--summarize',
      '--block-size=1',
      '--one-file-system',
      ...excluded.map((pattern) => `--exclude=${pattern}`),
      '--',
      path,
    ],
  };
}

/** Copies a file or a tree with modes, times and links; shares its blocks where the disk can. */
export function copyAsIs(from: string, to: string): Command {
  return { file: 'cp', args: ['--archive', '--reflink=auto', '--', from, to] };
}
