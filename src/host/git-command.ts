import { simpleGit, type SimpleGit } from 'simple-git';
import type { Config } from '../config/schema.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { childEnvironment } from './child-environment.ts';
import { exec, type Watch } from './exec.ts';
import { gitEnvironment, gitSettings } from './remote-tip.ts';
import type { Repository } from './repository.ts';

/** What the adapter needs to know of the run. */
export interface GitContext {
  readonly config: Config;
  readonly repository: Repository;
  readonly cacheDirectory: string;
  /** Undefined while a rollback must not be interrupted. */
  readonly signal: () => AbortSignal | undefined;
  readonly watch: Watch;
}

/** Opens git in a directory as its owner. Refuses to run what the repository itself may name. */
function openGit(context: GitContext, directory: string): SimpleGit {
  const { owner } = context.repository;
  const signal = context.signal();
  return simpleGit({
    baseDir: directory,
    config: [...gitSettings],
    // Ours: hooks and the file monitor are switched off with them, and git directories named.
    unsafe: {
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeConfigPaths: true,
    },
    allowEnvironment: Object.keys(gitEnvironment),
    timeout: { block: context.config.timeouts.git_seconds * 1000 },
    trimmed: true,
    ...(signal ? { abort: signal } : {}),
    ...(process.getuid?.() === 0 ? { spawnOptions: { uid: owner.uid, gid: owner.gid } } : {}),
    // Without this, simple-git takes a failure that prints nothing for a success.
    errors: (error, result) =>
      error ?? (result.exitCode === 0 ? undefined : new Error(`exit code ${result.exitCode}`)),
  }).env({ ...childEnvironment(owner.home), ...gitEnvironment });
}

/** Runs git in a directory. @throws {OperatorError} with the command and what git said. */
export async function git(
  context: GitContext,
  directory: string,
  args: readonly string[],
): Promise<string> {
  context.watch.started(context.config.timeouts.git_seconds);
  try {
    return await openGit(context, directory).raw([...args]);
  } catch (error) {
    const limit = context.config.timeouts.git_seconds;
    const why = messageOf(error)
      .trim()
      .replace(/^block timeout reached$/, `printed nothing for ${limit} s and was ended`);
    throw new OperatorError(
      `git ${args.join(' ')}: ${why}`,
      args[0] === 'fetch'
        ? statusAsOwner(context, directory).replace(/status$/, `fetch ${context.config.remote}`)
        : statusAsOwner(context, directory),
    );
  }
}

/**
 * Runs git where it changes files and may outlive us: as `exec` runs commands, keeping the lock, which
 * simple-git cannot hand on.
 *
 * @param environment beside what git always has
 * @throws {OperatorError} with the command and what git said
 */
export async function gitKeepingLock(
  context: GitContext,
  directory: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { owner } = context.repository;
  const signal = context.signal();
  const settings = gitSettings.flatMap((setting) => ['-c', setting]);
  try {
    await exec(
      { file: 'git', args: [...settings, ...args] },
      {
        cwd: directory,
        user: owner,
        environment: { ...childEnvironment(owner.home), ...gitEnvironment, ...environment },
        timeoutSeconds: context.config.timeouts.git_seconds,
        watch: context.watch,
        keepsLock: true,
        ...(signal ? { signal } : {}),
      },
    );
  } catch (error) {
    const said = messageOf(error)
      .replace(`${settings.join(' ')} `, '')
      .replace(/failed with exit code \d+:\n/, '');
    throw new OperatorError(said, statusAsOwner(context, directory));
  }
}

/** What a person types to see what git sees. */
function statusAsOwner({ repository }: GitContext, directory: string): string {
  return `sudo -u '#${repository.owner.uid}' git -C ${directory} status`;
}

const gitDirectories = new WeakMap<Repository, Promise<string>>();

/** The git directory of the work tree that is followed. It stays where it is: it is asked for once. */
export function absoluteGitDirectory(context: GitContext): Promise<string> {
  const { repository } = context;
  const known = gitDirectories.get(repository);
  if (known) return known;
  const asked = git(context, repository.directory, ['rev-parse', '--absolute-git-dir']);
  gitDirectories.set(repository, asked);
  asked.catch(() => gitDirectories.delete(repository));
  return asked;
}

/**
 * How `git status` is asked. With the branch, so that it always prints something: simple-git waits
 * 50 ms longer for a command that prints nothing.
 */
export const porcelain: readonly string[] = ['--porcelain', '-z', '--branch'];

/** Paths of such a status, without the two letters and the blank before them. */
export function statusPaths(output: string): string[] {
  return names(output)
    .filter((line) => !line.startsWith('## '))
    .map((line) => line.replace(/^.{1,2} /, ''));
}

export function names(output: string): string[] {
  return output.split('\0').filter((name) => name !== '');
}
