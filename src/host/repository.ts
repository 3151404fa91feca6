import { lstat } from 'node:fs/promises';
import { relative } from 'node:path';
import type { Config } from '../config/schema.ts';
import { RefusedError } from '../errors.ts';
import type { User } from './child-environment.ts';
import { exec } from './exec.ts';
import { ownerOf } from './owner.ts';
import { gitSettings } from './remote-tip.ts';

/** The git work tree that is followed, and who owns it. */
export interface Repository {
  readonly directory: string;
  readonly owner: User;
  /** The project directory, relative to `directory`; empty when they are the same. */
  readonly projectPath: string;
}

/**
 * Finds the work tree: the configured one; else `root`, where it tracks the project directory or
 * has it as a submodule; else the project directory itself.
 *
 * Git runs as the owner of the work tree, never as root in a tree that somebody else can write:
 * its own configuration could name programs to run, and files root made would lock the owner out.
 */
export async function findRepository(config: Config): Promise<Repository> {
  if (config.repository !== undefined) return describe(config.repository, config);
  const { root, project_dir: project } = config;
  if (project === root || project.startsWith(`${root}/`)) {
    if ((await exists(`${root}/.git`)) && (await tracks(root, relative(root, project)))) {
      return describe(root, config);
    }
  }
  if (await exists(`${project}/.git`)) return describe(project, config);
  throw new RefusedError(
    `neither ${root} nor ${project} is a git work tree that holds the compose project`,
    `clone it: git clone --recurse-submodules -b ${config.branch} URL ${root}    # or set \`repository\` in the configuration`,
  );
}

async function describe(directory: string, config: Config): Promise<Repository> {
  if (!(await exists(`${directory}/.git`))) {
    throw new RefusedError(
      `${directory} is not a git work tree (it has no .git)`,
      'set `repository`, `root` and `project_dir` in the configuration',
    );
  }
  return {
    directory,
    owner: ownerOf(directory),
    projectPath: relative(directory, config.project_dir),
  };
}

async function tracks(root: string, path: string): Promise<boolean> {
  if (path === '') return true;
  const settings = gitSettings.flatMap((setting) => ['-c', setting]);
  const { stdout } = await exec(
    { file: 'git', args: [...settings, 'ls-tree', 'HEAD', '--', path] },
    { cwd: root, user: ownerOf(root), timeoutSeconds: 30, accept: [128] },
  );
  return stdout.trim() !== '';
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
