import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { whenBooted } from '../argv/systemctl.ts';
import { messageOf } from '../errors.ts';
import { isWithin } from '../core/contents.ts';
import { exec } from './exec.ts';
import {
  git,
  gitKeepingLock,
  names,
  porcelain,
  statusPaths,
  type GitContext,
} from './git-command.ts';
import type { GitHost } from './host.ts';
import { untrackedInTheWay } from './in-the-way.ts';
import { remoteTip } from './remote-tip.ts';
import { createStaging } from './staging.ts';
import { openSubmodules, type Submodules } from './submodules.ts';

/** Where fetched commits are kept: outside the user's branches, so nothing of theirs moves. */
const INCOMING = 'refs/orchestrator-update/incoming';

/** What git says of objects that a power cut left empty: somebody else's git may not have synced them. */
const DAMAGED = /is empty|bad object|unable to read|did not send all necessary objects/;

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
      const args = ['fetch', '--no-tags', '--no-recurse-submodules', config.remote, refspec];
      await raw(...args).catch(async (error: unknown) => {
        // A fetch that a power cut ended leaves the lock of our own ref, which nobody else takes.
        const why = messageOf(error);
        if (why.includes(`${INCOMING}.lock`)) {
          const path = await raw('rev-parse', '--git-path', `${INCOMING}.lock`);
          await removeLocks(context, [resolve(directory, path)]);
        } else if (DAMAGED.test(why)) await removeEmptyObjects(context);
        else throw error;
        await raw(...args);
      });
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
      const own = await raw('status', ...porcelain, ...flags);
      return [...statusPaths(own), ...(await submodules.dirtyFiles())];
    },
    locks: () => locksInForce(context, submodules),
    untrackedInTheWay: (commit) => untrackedInTheWay(context, submodules, commit),
    // Without renames: what moved away has changed as well.
    changedPaths: async (from, to) =>
      names(await raw('diff', '--name-only', '--no-renames', '-z', from, to)),
    contentIds: async (commit, paths) =>
      linesFor(names(await raw('ls-tree', '-r', '-z', commit)), paths).join('\n'),
    trackedPaths: async (commit) => names(await raw('ls-tree', '-r', '-z', '--name-only', commit)),
    ...createStaging(context, submodules),
    ...checkouts(context, submodules),
  };
}

/** The lines of a listing that are about these files and directories, and those of all submodules. */
function linesFor(listing: readonly string[], paths: readonly string[]): string[] {
  return listing.filter((line) => {
    const path = line.slice(line.indexOf('\t') + 1);
    return line.startsWith('160000 ') || paths.some((one) => isWithin(path, one));
  });
}

/** Moves the live tree, on the deploy branch, without the network. */
function checkouts(
  context: GitContext,
  submodules: Submodules,
): Pick<GitHost, 'checkout' | 'checkoutBack'> {
  const { branch } = context.config;
  const act = (...args: string[]): Promise<void> =>
    gitKeepingLock(context, context.repository.directory, args);
  return {
    checkout: async (commit) => {
      await act('checkout', '--quiet', '-B', branch, commit);
      await act('submodule', 'sync', '--quiet', '--recursive');
      await act('submodule', 'update', '--init', '--recursive', '--no-fetch');
    },
    checkoutBack: async (commit, leaving) => {
      await removeLocks(context, await submodules.locks());
      // Git writes files before its index: only with the index of what is left does a forced
      // checkout know all of its files, and remove those that the old commit does not have.
      await act('read-tree', leaving);
      await submodules.readTrees(leaving);
      await act('checkout', '--quiet', '--force', '-B', branch, commit);
      await act('submodule', 'sync', '--quiet', '--recursive');
      await act('submodule', 'update', '--init', '--recursive', '--no-fetch', '--force');
    },
  };
}

/** An empty object holds nothing, and keeps git from fetching it again. So does our own ref that names one. */
async function removeEmptyObjects(context: GitContext): Promise<void> {
  const { directory, owner: user } = context.repository;
  const path = await git(context, directory, ['rev-parse', '--git-path', 'objects']);
  const objects = resolve(directory, path);
  const options = { user, timeoutSeconds: 300, cwd: '/' };
  await exec({ file: 'find', args: [objects, '-type', 'f', '-empty', '-delete'] }, options);
  await git(context, directory, ['update-ref', '-d', INCOMING]);
}

/** Who took a lock before this boot is gone; its lock is removed. @returns those that may be somebody's */
async function locksInForce(context: GitContext, submodules: Submodules): Promise<string[]> {
  const found = await Promise.all(
    (await submodules.locks()).map(async (path) => ({
      path,
      stats: await lstat(path).catch(() => undefined),
    })),
  );
  const there = found.flatMap(({ path, stats }) => (stats ? [{ path, atMs: stats.ctimeMs }] : []));
  if (there.length === 0) return [];
  const { stdout } = await exec(whenBooted, { timeoutSeconds: 10 }).catch(() => ({ stdout: '' }));
  const bootedAtMs = Number(/@(\d+)/.exec(stdout)?.[1] ?? 0) * 1000;
  const old = there.filter(({ atMs }) => atMs < bootedAtMs);
  if (old.length > 0)
    await removeLocks(
      context,
      old.map(({ path }) => path),
    );
  return there.filter((lock) => !old.includes(lock)).map(({ path }) => path);
}

/**
 * Removes what a git that was killed left: without that every later git fails with 128. Only where
 * our own git is known to be gone.
 */
async function removeLocks(context: GitContext, locks: readonly string[]): Promise<void> {
  const user = context.repository.owner;
  await exec({ file: 'rm', args: ['--force', '--', ...locks] }, { user, timeoutSeconds: 30 });
}
