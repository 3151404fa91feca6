import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { configSchema, settleConfig } from '../config/schema.ts';
import { UsageError } from '../errors.ts';
import { pathExists } from './disk.ts';
import { createGit } from './git.ts';
import { ownerOf } from './owner.ts';
import type { Repository } from './repository.ts';
import type { Tree } from './side-by-side.ts';

/** Commits of a repository, laid out beside its work tree. */
export interface CommitTrees {
  /** @throws {UsageError} when there is no such commit */
  open(name: string): Promise<Omit<Tree, 'files'>>;
  close(): Promise<void>;
}

/**
 * Opens the repository that a directory lies in, for the commit that is wanted. What its work tree has beside tracked files (`.env`)
 * belongs to every commit, as it would after a checkout.
 */
export async function openCommitTrees(directory: string, wanted: string): Promise<CommitTrees> {
  const repository = await repositoryAt(directory, wanted);
  const scratch = join(tmpdir(), `orchestrator-update-commits-${randomUUID()}`);
  // Others may pass through: git runs as the owner of the work tree.
  await mkdir(scratch, { mode: 0o711 });
  const { directory: root } = repository;
  const git = createGit({
    config: settleConfig(configSchema.parse({ root, project_dir: root })),
    repository,
    cacheDirectory: scratch,
    signal: () => undefined,
    watch: { started: () => {}, line: () => {} },
  });
  return {
    open: async (name) => {
      const commit = await git.resolve(name);
      if (commit === undefined) {
        throw new UsageError(
          `${name} is neither a directory nor a commit of ${root}`,
          'ls; git log --oneline',
        );
      }
      const staging = await git.stage(commit);
      return {
        name,
        prefix: `${name}:`,
        directory: staging.directory,
        projectPath: repository.projectPath,
      };
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

async function repositoryAt(directory: string, name: string): Promise<Repository> {
  const root = await rootAbove(directory);
  if (root === undefined) {
    throw new UsageError(
      `${name} is no directory, and ${directory} lies in no git work tree, so it is no commit either`,
      'ls; orchestrator-update diff --help',
    );
  }
  return { directory: root, owner: ownerOf(root), projectPath: relative(root, directory) };
}

/** The work tree that a directory lies in. Git itself runs as its owner, who has to be known before. */
async function rootAbove(directory: string): Promise<string | undefined> {
  if (await pathExists(join(directory, '.git'))) return directory;
  const above = dirname(directory);
  return above === directory ? undefined : rootAbove(above);
}
