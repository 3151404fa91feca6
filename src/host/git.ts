import { exec } from './exec.ts';
import { git, names, statusPaths, type GitContext } from './git-command.ts';
import type { GitHost } from './host.ts';
import { untrackedInTheWay } from './in-the-way.ts';
import { remoteTip } from './remote-tip.ts';
import { createStaging } from './staging.ts';
import { openSubmodules } from './submodules.ts';

/** Where fetched commits are kept: outside the user's branches, so nothing of theirs moves. */
const INCOMING = 'refs/orchestrator-update/incoming';

/** Git on the work tree that is followed. */
export function createGit(context: GitContext): GitHost {
  const { config, repository } = context;
  const { directory } = repository;
  const raw = (...args: string[]): Promise<string> => git(context, directory, args);
  const submodules = openSubmodules(context);

  return {
    directory,
    tip: () => {
      const signal = context.signal();
      const { remote, branch } = config;
      return remoteTip(
        { repository: directory, remote, branch, owner: repository.owner },
        { timeoutSeconds: config.timeouts.remote_seconds, ...(signal ? { signal } : {}) },
      );
    },
    fetch: async () => {
      const refspec = `+refs/heads/${config.branch}:${INCOMING}`;
      await raw('fetch', '--no-tags', '--no-recurse-submodules', config.remote, refspec);
      return raw('rev-parse', `${INCOMING}^{commit}`);
    },
    fetchSubmodules: (commit) => submodules.fetch(commit),
    head: async () => {
      const commit = await raw('rev-parse', 'HEAD^{commit}');
      const name = await raw('rev-parse', '--abbrev-ref', 'HEAD');
      return { commit, branch: name === 'HEAD' ? undefined : name };
    },
    resolve: (name) =>
      raw('rev-parse', '--verify', '--end-of-options', `${name}^{commit}`).catch(() => undefined),
    subject: (commit) => raw('log', '-1', '--format=%s', commit),
    isAncestor: async (ancestor, descendant) =>
      (await raw('merge-base', ancestor, descendant).catch(() => '')) === ancestor,
    dirtyFiles: async () => {
      // What changed inside a submodule is named by the submodule itself, file by file.
      const flags = ['--untracked-files=no', '--ignore-submodules=dirty'];
      const own = await raw('status', '--porcelain', '-z', ...flags);
      return [...statusPaths(own), ...(await submodules.dirtyFiles())];
    },
    untrackedInTheWay: (commit) => untrackedInTheWay(context, submodules, commit),
    // Without renames: what moved away has changed as well.
    changedPaths: async (from, to) =>
      names(await raw('diff', '--name-only', '--no-renames', '-z', from, to)),
    ...createStaging(context, submodules),
    checkout: async (commit) => {
      await raw('checkout', '--quiet', '-B', config.branch, commit);
      await raw('submodule', 'sync', '--quiet', '--recursive');
      await raw('submodule', 'update', '--init', '--recursive', '--no-fetch');
    },
    checkoutBack: async (commit, leaving) => {
      await removeLocks(context, await submodules.locks());
      // Git writes files before its index: only with the index of what is left does a forced
      // checkout know all of its files, and remove those that the old commit does not have.
      await raw('read-tree', leaving);
      await submodules.readTrees(leaving);
      await raw('checkout', '--quiet', '--force', '-B', config.branch, commit);
      await raw('submodule', 'sync', '--quiet', '--recursive');
      await raw('submodule', 'update', '--init', '--recursive', '--no-fetch', '--force');
    },
  };
}

/**
 * Removes what a git that was killed left: without that every later git fails with 128. Only on
 * the way back, where our lock is held and our own git is known to be gone.
 */
async function removeLocks(context: GitContext, locks: readonly string[]): Promise<void> {
  const user = context.repository.owner;
  await exec({ file: 'rm', args: ['--force', '--', ...locks] }, { user, timeoutSeconds: 30 });
}
