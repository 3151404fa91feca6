import { chown, lstat, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { childEnvironment } from './child-environment.ts';
import { exec } from './exec.ts';
import { git, names, porcelain, type GitContext } from './git-command.ts';
import type { GitHost, Staging } from './host.ts';
import { gitEnvironment, gitSettings } from './remote-tip.ts';
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
      const scratch = await mkdtemp(join(stagings, `${process.pid}-${commit.slice(0, 12)}-`));
      if (process.getuid?.() === 0) await chown(scratch, owner.uid, owner.gid);
      const directory = join(scratch, basename(live));
      const gitDirectory = await git(context, live, ['rev-parse', '--absolute-git-dir']);
      await layTree(context, gitDirectory, commit, directory);
      for (const submodule of await submodules.list(commit)) {
        const path = join(directory, submodule.fullPath);
        await layTree(context, submodule.gitDirectory, submodule.commit, path);
      }
      await linkUntracked(context, directory);
      return { commit, directory } satisfies Staging;
    },
    dropStagings: async () => {
      const left = (await readdir(stagings).catch(() => [])).filter((name) => !isInUse(name));
      await Promise.all(
        left.map((name) => rm(join(stagings, name), { recursive: true, force: true })),
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

/** Checks a commit out into an empty directory, with an index of its own. */
async function layTree(
  context: GitContext,
  gitDirectory: string,
  commit: string,
  directory: string,
): Promise<void> {
  const { owner } = context.repository;
  await exec({ file: 'mkdir', args: ['-p', '--', directory] }, { user: owner, timeoutSeconds: 30 });
  const index = join(dirname(directory), `.${basename(directory)}.index`);
  const settings = gitSettings.flatMap((setting) => ['-c', setting]);
  const at = [...settings, `--git-dir=${gitDirectory}`, `--work-tree=${directory}`];
  const signal = context.signal();
  const options = {
    cwd: directory,
    user: owner,
    environment: { ...childEnvironment(owner.home), ...gitEnvironment, GIT_INDEX_FILE: index },
    timeoutSeconds: context.config.timeouts.git_seconds,
    watch: context.watch,
    ...(signal ? { signal } : {}),
  };
  await exec({ file: 'git', args: [...at, 'read-tree', commit] }, options);
  await exec({ file: 'git', args: [...at, 'checkout-index', '--all', '--force'] }, options);
  await rm(index, { force: true });
}

/** Links what the live tree holds beside its tracked files to the same place of the staging. */
async function linkUntracked(context: GitContext, directory: string): Promise<void> {
  const live = context.repository.directory;
  const status = ['status', ...porcelain, '--ignored', '--untracked-files=normal'];
  for (const tree of ['', ...(await livePaths(context))]) {
    const output = await git(context, join(live, tree), status);
    const untracked = names(output)
      .filter((line) => line.startsWith('?? ') || line.startsWith('!! '))
      .map((line) => join(tree, line.slice(3)).replace(/\/$/, ''));
    for (const path of untracked) await linkOne(context, directory, path);
  }
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
