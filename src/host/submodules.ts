import { chown, mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { gitlinksIn, submodulesOf, type Submodule } from '../core/submodules.ts';
import { pathExists } from './disk.ts';
import { exec } from './exec.ts';
import {
  absoluteGitDirectory,
  git,
  gitKeepingLock,
  porcelain,
  statusPaths,
  type GitContext,
} from './git-command.ts';

/** A submodule with the git directory its objects are in. */
export interface OpenSubmodule extends Submodule {
  readonly gitDirectory: string;
  /** Relative to the work tree that is followed. */
  readonly fullPath: string;
}

/** Submodules of the followed work tree, however deep. */
export interface Submodules {
  /** Has every object that a checkout of the commit needs. */
  fetch(commit: string): Promise<void>;
  /** The submodules of a commit; all fetched before. */
  list(commit: string): Promise<OpenSubmodule[]>;
  dirtyFiles(): Promise<string[]>;
  /** Gives the submodules in the live tree the index of a commit, for a forced checkout after it. */
  readTrees(commit: string): Promise<void>;
  /** Where a killed checkout may have left its locks. */
  locks(): Promise<string[]>;
}

export function openSubmodules(context: GitContext): Submodules {
  const { directory } = context.repository;
  const walk = async (commit: string, fetch: boolean): Promise<OpenSubmodule[]> => {
    const gitDirectory = await absoluteGitDirectory(context);
    return walkSubmodules(context, { gitDirectory, commit, prefix: '', fetch });
  };
  const fetched = new Map<string, OpenSubmodule[]>();

  return {
    fetch: async (commit) => void fetched.set(commit, await walk(commit, true)),
    list: async (commit) => fetched.get(commit) ?? (await walk(commit, false)),
    dirtyFiles: async () => {
      const present = await livePaths(context);
      const found = await Promise.all(
        present.map(async (path) => {
          const args = ['status', ...porcelain, '--untracked-files=no'];
          const output = await git(context, join(directory, path), args);
          return statusPaths(output).map((file) => join(path, file));
        }),
      );
      return found.flat();
    },
    readTrees: async (commit) => {
      const present = new Set(await livePaths(context).catch(() => []));
      for (const submodule of await walk(commit, false)) {
        if (!present.has(submodule.fullPath)) continue;
        const at = join(directory, submodule.fullPath);
        await gitKeepingLock(context, at, ['read-tree', submodule.commit]);
      }
    },
    locks: async () => {
      const paths = await livePaths(context).catch(() => []);
      const others = await Promise.all(
        paths.map((path) =>
          git(context, join(directory, path), ['rev-parse', '--absolute-git-dir']),
        ),
      );
      const own = await absoluteGitDirectory(context);
      const locks = ['index.lock', 'HEAD.lock', 'config.lock'];
      return [
        join(own, `refs/heads/${context.config.branch}.lock`),
        ...[own, ...others].flatMap((path) => locks.map((lock) => join(path, lock))),
      ];
    },
  };
}

/**
 * Paths of the submodules that are checked out in the live tree, however deep. By the index and what
 * lies there: `git submodule status` says the same and takes ten times as long.
 */
export async function livePaths(context: GitContext, below = ''): Promise<string[]> {
  const at = join(context.repository.directory, below);
  const gitlinks = gitlinksIn(await git(context, at, ['ls-files', '--stage', '-z']));
  const found: string[] = [];
  for (const path of gitlinks.keys()) {
    const full = join(below, path);
    if (!(await pathExists(join(at, path, '.git')))) continue;
    found.push(full, ...(await livePaths(context, full)));
  }
  return found;
}

interface Level {
  readonly gitDirectory: string;
  readonly commit: string;
  readonly prefix: string;
  readonly fetch: boolean;
}

async function walkSubmodules(context: GitContext, level: Level): Promise<OpenSubmodule[]> {
  const { gitDirectory, commit } = level;
  const at = (...args: string[]): Promise<string> => gitIn(context, gitDirectory, args);
  const gitlinks = gitlinksIn(await at('ls-tree', '-r', '-z', commit));
  if (gitlinks.size === 0) return [];
  const keys = String.raw`^submodule\..*\.(path|url)$`;
  const asked = ['config', '-z', '--blob', `${commit}:.gitmodules`, '--get-regexp', keys];
  // Who only looks at what is here goes by the names; what was never cloned is an empty directory.
  const file = await at(...asked).catch((error: unknown) => {
    if (level.fetch) throw error;
    return '';
  });
  const remoteUrl = await at('remote', 'get-url', context.config.remote)
    .catch(() => at('remote', 'get-url', 'origin'))
    .catch((error: unknown) => {
      if (level.fetch) throw error;
      return 'file:///';
    });
  const found: OpenSubmodule[] = [];
  const paths = new Set(file.split('\0').map((line) => line.split('.path\n')[1]));
  const named = [...gitlinks].filter(([path]) => level.fetch || paths.has(path));
  for (const submodule of submodulesOf(new Map(named), file, remoteUrl)) {
    const inner = join(gitDirectory, 'modules', submodule.name);
    const open = {
      ...submodule,
      gitDirectory: inner,
      fullPath: join(level.prefix, submodule.path),
    };
    if (level.fetch) await fetchSubmodule(context, open);
    else if (!(await hasCommit(context, open))) continue;
    const deeper = {
      ...level,
      gitDirectory: inner,
      commit: submodule.commit,
      prefix: open.fullPath,
    };
    found.push(open, ...(await walkSubmodules(context, deeper)));
  }
  return found;
}

function hasCommit(context: GitContext, { gitDirectory, commit }: OpenSubmodule): Promise<boolean> {
  return gitIn(context, gitDirectory, ['cat-file', '-t', `${commit}^{commit}`]).then(
    () => true,
    () => false,
  );
}

/** Git on a git directory alone: the work tree that its configuration names may be gone. */
function gitIn(
  context: GitContext,
  gitDirectory: string,
  args: readonly string[],
): Promise<string> {
  const { directory } = context.repository;
  return git(context, directory, [
    `--git-dir=${gitDirectory}`,
    `--work-tree=${directory}`,
    ...args,
  ]);
}

/** Clones a submodule that is new, and fetches its commit if it is not there yet. */
async function fetchSubmodule(context: GitContext, submodule: OpenSubmodule): Promise<void> {
  const { gitDirectory, commit, url } = submodule;
  const at = (...args: string[]): Promise<string> => gitIn(context, gitDirectory, args);
  const has = (): Promise<boolean> => hasCommit(context, submodule);
  const known = await at('rev-parse', '--git-dir').then(
    () => true,
    () => false,
  );
  if (!known) await cloneSubmodule(context, submodule);
  if (await has()) return;
  await at('fetch', '--no-recurse-submodules', '--', url, '+refs/heads/*:refs/remotes/origin/*');
  if (await has()) return;
  await at('fetch', '--no-recurse-submodules', '--', url, commit);
}

/**
 * Git takes the directory over at the next `submodule update`, and needs no network then. It gets
 * its name when it is whole: one that was cut short would be in the way for ever.
 */
async function cloneSubmodule(context: GitContext, submodule: OpenSubmodule): Promise<void> {
  const { owner, directory } = context.repository;
  const incoming = join(dirname(submodule.gitDirectory), `.incoming-${basename(submodule.name)}`);
  const scratch = await mkdtemp(join(context.cacheDirectory, 'clone-'));
  const asOwner = async (file: string, ...args: string[]): Promise<void> =>
    void (await exec({ file, args }, { user: owner, timeoutSeconds: 300 }));
  try {
    await asOwner('mkdir', '-p', '--', dirname(incoming));
    await asOwner('rm', '-rf', '--', incoming);
    await chown(scratch, owner.uid, owner.gid);
    await git(context, directory, [
      'clone',
      '--quiet',
      '--no-checkout',
      `--separate-git-dir=${incoming}`,
      '--',
      submodule.url,
      join(scratch, 'tree'),
    ]);
    await asOwner('mv', '-T', '--', incoming, submodule.gitDirectory);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
