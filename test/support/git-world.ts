import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { configSchema, settleConfig, type Config } from '../../src/config/schema.ts';
import type { User } from '../../src/host/child-environment.ts';
import { createGit } from '../../src/host/git.ts';
import type { GitContext } from '../../src/host/git-command.ts';
import type { GitHost } from '../../src/host/host.ts';
import { findRepository } from '../../src/host/repository.ts';

/** The part of a test that is needed to clean up after it. */
export interface Teardown {
  teardown(end: () => void | Promise<void>): unknown;
}

export const isRoot = process.getuid?.() === 0;

/** Who owns the work tree: somebody without privileges, so that git must run as them. */
export const owner: User = isRoot
  ? { uid: 65534, gid: 65534, home: '/nonexistent' }
  : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, home: '/nonexistent' };

const asOwner = isRoot ? { uid: owner.uid, gid: owner.gid } : {};

/** A directory the owner can reach and write; not t.testdir, which may lie below /root. */
export function ownersDirectory(t: Teardown, name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  chmodSync(directory, 0o755);
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function makeOwners(directory: string): void {
  mkdirSync(directory);
  if (isRoot) chownSync(directory, owner.uid, owner.gid);
}

/** Runs git as the owner and returns what it prints. */
export async function gitAsOwner(directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa('git', args, {
    cwd: directory,
    extendEnv: false,
    ...asOwner,
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/nonexistent',
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@example.org',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@example.org',
      GIT_CONFIG_GLOBAL: '/dev/null',
    },
  });
  return stdout;
}

/** Makes directories and files of the owner's. */
export async function writeAsOwner(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const script = 'mkdir -p -- "$(dirname -- "$1")" && cat > "$1"';
    await execa('sh', ['-c', script, 'sh', join(directory, path)], { ...asOwner, input: text });
  }
}

/** Remotes served over the git protocol, where releases are made. */
export interface Remotes {
  /** The URL of a remote: `git://127.0.0.1:PORT/op.git`. */
  url(name: string): string;
  /** Where the remote's own work tree is. */
  tree(name: string): string;
  /** Commits files (and what was staged) to a remote's branch, and returns the commit. */
  release(name: string, files?: Readonly<Record<string, string>>): Promise<string>;
  create(name: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Has a submodule of one remote point to the newest commit of another. */
  pin(name: string, path: string, submodule: string): Promise<void>;
  /** From now on there is no network. */
  cut(): Promise<void>;
}

export async function serveRemotes(t: Teardown, directory: string): Promise<Remotes> {
  const base = join(directory, 'remotes');
  makeOwners(base);
  const { port, cut } = await listen(base);
  t.teardown(cut);
  const tree = (name: string): string => join(base, name);
  const release = async (name: string, files = {}): Promise<string> => {
    await writeAsOwner(tree(name), files);
    await gitAsOwner(tree(name), 'add', '--all');
    await gitAsOwner(tree(name), 'commit', '--quiet', '--allow-empty', '--message=release');
    return gitAsOwner(tree(name), 'rev-parse', 'HEAD');
  };
  return {
    url: (name) => `git://127.0.0.1:${port}/${name}`,
    tree,
    release,
    create: async (name, files) => {
      await gitAsOwner(base, 'init', '--quiet', '--initial-branch=deploy', name);
      return release(name, files);
    },
    pin: async (name, path, submodule) => {
      await gitAsOwner(join(tree(name), path), 'fetch', '--quiet', 'origin');
      const commit = await gitAsOwner(tree(submodule), 'rev-parse', 'HEAD');
      await gitAsOwner(join(tree(name), path), 'checkout', '--quiet', commit);
    },
    cut,
  };
}

/** One `git daemon` a connection, as inetd would: none outlives a test that is killed. */
async function listen(base: string): Promise<{ port: number; cut: () => Promise<void> }> {
  const { stdout: programs } = await execa('git', ['--exec-path']);
  const args = ['--inetd', '--export-all', `--base-path=${base}`, base];
  const environment = { PATH: process.env['PATH'], HOME: '/nonexistent' };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const daemon = spawn(join(programs, 'git-daemon'), args, {
      ...asOwner,
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    socket.pipe(daemon.stdin);
    daemon.stdout.pipe(socket);
    // Either side may go first.
    for (const stream of [socket, daemon.stdin, daemon.stdout]) stream.on('error', () => {});
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  const cut = async (): Promise<void> => {
    if (server.listening) await new Promise((closed) => server.close(closed));
  };
  return { port, cut };
}

/** A live clone, the adapter on it, and what it is made of. */
export interface LiveClone {
  readonly live: string;
  readonly config: Config;
  readonly context: GitContext;
  readonly git: GitHost;
  /** The text of a file of the live tree, or undefined. */
  text(path: string): string | undefined;
}

/** Clones a remote to `<directory>/live` as the owner and opens it as the program does. */
export async function openLive(directory: string, url: string): Promise<LiveClone> {
  const live = join(directory, 'live');
  makeOwners(live);
  await gitAsOwner(live, 'clone', '--quiet', '--recurse-submodules', '--branch=deploy', url, '.');
  const config = settleConfig(
    configSchema.parse({ root: live, project_dir: live, branch: 'deploy' }),
  );
  const cacheDirectory = join(directory, 'cache');
  mkdirSync(cacheDirectory, { mode: 0o711 });
  const context: GitContext = {
    config,
    repository: await findRepository(config),
    cacheDirectory,
    signal: () => undefined,
    watch: { started: () => {}, line: () => {} },
  };
  const text = (path: string): string | undefined => readIfThere(join(live, path));
  return { live, config, context, git: createGit(context), text };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Entries below a directory that somebody else than the owner has. */
export async function notOwners(directory: string): Promise<string[]> {
  const { stdout } = await execa('find', [directory, '!', '-uid', String(owner.uid)]);
  return stdout.split('\n').filter((path) => path !== '');
}

/** Leaves what a git that was killed leaves. */
export async function leaveLock(path: string): Promise<void> {
  writeFileSync(path, '');
  await execa('chown', ['--reference', dirname(path), path]);
  statSync(path);
}
