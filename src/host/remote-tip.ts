import { execFile } from 'node:child_process';
import { messageOf, OperatorError } from '../errors.ts';
import { childEnvironment, type User } from './child-environment.ts';

/** A branch of a remote, as seen from a work tree. */
export interface RemoteBranch {
  readonly repository: string;
  readonly remote: string;
  readonly branch: string;
  readonly owner: User;
}

/**
 * Settings every git command runs with: nothing of the repository's own choice is executed, and what
 * git writes is on the disk when it says so. It leaves loose objects out otherwise, and a power cut
 * makes empty files of them that later commands stumble over.
 */
export const gitSettings: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.fsync=all',
];

/** Git never asks: under systemd nobody would answer. */
// A status that is killed while it freshens the index up would leave its lock.
export const gitEnvironment = { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0' } as const;

/**
 * The commit a branch has at its remote: one `ls-remote`, as the owner of the work tree.
 *
 * @throws {OperatorError} when the remote does not answer or has no such branch.
 */
export async function remoteTip(
  from: RemoteBranch,
  options: { readonly timeoutSeconds: number; readonly signal?: AbortSignal },
): Promise<string> {
  const { repository, remote, branch } = from;
  const { output, code } = await lsRemote(from, options).catch((error: unknown) => {
    throw new OperatorError(
      `the remote ${remote} of ${repository} cannot be read: ${messageOf(error)}`,
      `git -C ${repository} ls-remote ${remote}    # as the owner of the work tree; the next run tries again`,
    );
  });
  const commit = output.split('\t')[0] ?? '';
  if (code === 0 && /^[0-9a-f]{40,64}$/.test(commit)) return commit;
  throw new OperatorError(
    `the remote ${remote} of ${repository} has no branch ${branch}`,
    `git -C ${repository} ls-remote --heads ${remote}    # then set \`branch\` in the configuration`,
  );
}

const NO_SUCH_BRANCH = 2;

/** Not through execa: loading it costs as much as all else on the way to "nothing to do". */
function lsRemote(
  { repository, remote, branch, owner }: RemoteBranch,
  options: { readonly timeoutSeconds: number; readonly signal?: AbortSignal },
): Promise<{ output: string; code: number }> {
  const settings = gitSettings.flatMap((setting) => ['-c', setting]);
  const args = [...settings, 'ls-remote', '--quiet', '--exit-code', remote, `refs/heads/${branch}`];
  const asOwner = process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.gid } : {};
  const settled = {
    cwd: repository,
    env: { ...childEnvironment(owner.home), ...gitEnvironment },
    timeout: options.timeoutSeconds * 1000,
    killSignal: 'SIGKILL' as const,
    ...asOwner,
    ...(options.signal ? { signal: options.signal } : {}),
  };
  return new Promise((resolve, reject) => {
    execFile('git', args, settled, (error, stdout, stderr) => {
      if (!error) return resolve({ output: stdout, code: 0 });
      if (error.code === NO_SUCH_BRANCH) return resolve({ output: '', code: NO_SUCH_BRANCH });
      const why = error.killed ? `no answer within ${options.timeoutSeconds} s` : stderr.trim();
      return reject(new Error(why || error.message));
    });
  });
}
