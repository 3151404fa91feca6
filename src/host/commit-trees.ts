import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { configSchema, settleConfig } from '../config/schema.ts';
import { UsageError } from '../errors.ts';
import { exec } from './exec.ts';
import { createGit } from './git.ts';
import { ownerOf } from './owner.ts';
import { gitSettings } from './remote-tip.ts';
import type { Repository } from './repository.ts';
import type { Tree } from './side-by-side.ts';

/** Commits of a repository, laid out beside its work tree. */
export interface CommitTrees {
  /** @throws {UsageError} when there is no such commit */
  open(name: string): Promise<Omit<Tree, 'files'>>;
  close(): Promise<void>;
}

const GIT_SECONDS = 30;

/**
 * Opens the repository that a directory lies in. What its work tree has beside tracked files (`.env`)
 * belongs to every commit, as it would after a checkout.
 */
export async function openCommitTrees(directory: string): Promise<CommitTrees> {
  const repository = await repositoryAt(directory);
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
      return { directory: staging.directory, projectPath: repository.projectPath };
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

async function repositoryAt(directory: string): Promise<Repository> {
  const user = ownerOf(directory);
  const settings = gitSettings.flatMap((setting) => ['-c', setting]);
  const args = [...settings, 'rev-parse', '--show-toplevel'];
  const found = await exec(
    { file: 'git', args },
    { cwd: directory, timeoutSeconds: GIT_SECONDS, user },
  ).catch(() => undefined);
  if (found === undefined) {
    throw new UsageError(
      `${directory} lies in no git repository (of user ${user.uid}), so OLD and NEW must be directories`,
      'ls',
    );
  }
  const root = found.stdout.trim();
  const projectPath = relative(root, directory);
  return { directory: root, owner: ownerOf(root), projectPath };
}
