import { randomUUID } from 'node:crypto';
import { chown, lstat, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  absoluteGitDirectory,
  git,
  gitKeepingLock,
  names,
  porcelain,
  type GitContext,
} from './git-command.ts';
import type { GitHost, Staging } from './host.ts';
import { livePaths, type Submodules } from './submodules.ts';

/**
 * Lays out whole trees of commits outside the live place, so that docker compose can resolve a
 * release without anything live being touched. Tracked files are checked out; what the live tree
 * has beside them (`.env`, data directories) is linked to, never copied.
 */
export function createStaging(
  context: GitContext,
  submodules: Submodules,
): Pick<GitHost, 'stage' | 'dropStagings'> {
  const stagings = join(context.cacheDirectory, 'staging');
  const { owner, directory: live } = context.repository;
  return {
    stage: async (commit) => {
      await mkdir(stagings, { recursive: true, mode: 0o711 });
      const scratch = join(stagings, `${process.pid}-${commit.slice(0, 12)}-${randomUUID()}`);
      const [root, indexes] = [join(scratch, 'root'), join(scratch, 'indexes')];
      const directory = join(root, live);
      await linkAround(live, root);
      for (const made of [directory, indexes]) {
        await mkdir(made, { mode: 0o700 });
        if (process.getuid?.() === 0) await chown(made, owner.uid, owner.gid);
      }
      // Both have ended when one has failed: nothing is written any more where it is cleared away.
      const [untracked, laid] = await Promise.allSettled([
        untrackedPaths(context),
        layTrees(context, submodules, { commit, directory, indexes }),
      ]);
      if (laid.status === 'rejected') throw laid.reason;
      if (untracked.status === 'rejected') throw untracked.reason;
      for (const path of untracked.value) await linkOne(context, directory, path);
      return { commit, directory, root } satisfies Staging;
    },
    dropStagings: async () => {
      const left = (await readdir(stagings).catch(() => [])).filter((name) => !isInUse(name));
      await Promise.all(
        left.map((name) =>
          // What is still being written to goes the next time.
          rm(join(stagings, name), { recursive: true, force: true, maxRetries: 5 }).catch(() => {}),
        ),
      );
    },
  };
}

/** Whether another process that still runs made a staging: its name begins with the process's id. */
function isInUse(name: string): boolean {
  const pid = Number.parseInt(name, 10);
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes the directories around the place of the tree, with links to what is in them on this host: a
 * path that leaves the tree (`../shared.env`) leads where it leads from the live one. They are root's,
 * so that nobody can have it follow a link of theirs.
 */
async function linkAround(live: string, root: string): Promise<void> {
  const parts = live.split('/').slice(1);
  for (const [depth, name] of parts.entries()) {
    const around = `/${parts.slice(0, depth).join('/')}`;
    await mkdir(join(root, around), { recursive: true, mode: 0o711 });
    // What cannot be looked into (`ProtectHome`) has nothing to show.
    const beside = (await readdir(around).catch(() => [])).filter((one) => one !== name);
    await Promise.all(beside.map((one) => symlink(join(around, one), join(root, around, one))));
  }
}

/** Checks a commit out, and its submodules into the empty directories that git makes for them. */
async function layTrees(
  context: GitContext,
  submodules: Submodules,
  { commit, directory, indexes }: Record<'commit' | 'directory' | 'indexes', string>,
): Promise<void> {
  const gitDirectory = await absoluteGitDirectory(context);
  await layTree(context, { gitDirectory, commit, directory, index: join(indexes, 'tree') });
  for (const [number, submodule] of (await submodules.list(commit)).entries()) {
    await layTree(context, {
      gitDirectory: submodule.gitDirectory,
      commit: submodule.commit,
      directory: join(directory, submodule.fullPath),
      index: join(indexes, String(number)),
    });
  }
}

interface TreeToLay {
  readonly gitDirectory: string;
  readonly commit: string;
  readonly directory: string;
  readonly index: string;
}

/** Checks a commit out into an empty directory, with an index of its own. */
async function layTree(
  context: GitContext,
  { gitDirectory, commit, directory, index }: TreeToLay,
): Promise<void> {
  const at = [`--git-dir=${gitDirectory}`, `--work-tree=${directory}`];
  // What is laid out for a look need not survive a power cut. The owner may have set the other two for
  // the live tree; a submodule of that would be moved here.
  const whole = ['read-tree', '--reset', '-u', '--no-sparse-checkout', '--no-recurse-submodules'];
  const args = ['-c', 'core.fsync=none', ...at, ...whole, commit];
  await gitKeepingLock(context, directory, args, { GIT_INDEX_FILE: index });
}

/** What the live tree holds beside its tracked files: it is linked to the same place of the staging. */
async function untrackedPaths(context: GitContext): Promise<string[]> {
  const live = context.repository.directory;
  const status = ['status', ...porcelain, '--ignored', '--untracked-files=normal'];
  const found: string[] = [];
  for (const tree of ['', ...(await livePaths(context))]) {
    const lines = names(await git(context, join(live, tree), status));
    const untracked = lines.filter((line) => line.startsWith('?? ') || line.startsWith('!! '));
    found.push(...untracked.map((line) => join(tree, line.slice(3)).replace(/\/$/, '')));
  }
  return found;
}

async function linkOne(context: GitContext, directory: string, path: string): Promise<void> {
  const live = join(context.repository.directory, path);
  if (live === context.config.backups_dir) return;
  const target = join(directory, path);
  const there = await lstat(target).catch(() => undefined);
  if (there === undefined) {
    await mkdir(dirname(target), { recursive: true });
    await symlink(live, target);
    return;
  }
  // The release brings files to a directory that was untracked so far: its others are linked.
  const isShared = there.isDirectory() && (await lstat(live)).isDirectory();
  const beside = isShared ? await readdir(live) : [];
  if (beside.includes('.git')) return;
  for (const name of beside) await linkOne(context, directory, join(path, name));
}
