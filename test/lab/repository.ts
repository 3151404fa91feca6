import { runInGuest } from './guest.ts';
import { controlName } from './paths.ts';

/** What one commit changes. */
export type Commit = {
  message: string;
  /** Path → content; `null` deletes the path. */
  files?: Record<string, string | null>;
  /** Path → commit of a submodule. */
  submodules?: Record<string, string>;
  /** Commit to build on; the tip of the branch unless told. `null` starts a history without parents. */
  base?: string | null;
  /** Needed when the new tip does not contain the old one. */
  force?: boolean;
};

/** A bare repository on the control host. */
export type Repository = {
  url: string;
  /** Path on the control host. */
  path: string;
  branch: string;
  /** Commit on top of the branch, on the control host: no work tree is touched. Returns the new commit. */
  push: (commit: Commit) => Promise<string>;
  head: () => Promise<string>;
  /** Move the branch to any commit the repository has, as a force-push would. */
  setHead: (sha: string) => Promise<void>;
  /** Run git in the bare repository and return what it prints. */
  git: (...args: string[]) => Promise<string>;
};

/** The repository at `path` (below /srv/git) with its deploy branch. */
export function openRepository(path: string, branch: string): Repository {
  const absolute = `/srv/git/${path}`;
  const ref = `refs/heads/${branch}`;
  const git = async (args: string[], input?: string): Promise<string> => {
    const { stdout } = await runInGuest(controlName, 'git', ['-C', absolute, ...args], {
      user: 'git',
      cwd: '/',
      reject: true,
      ...(input === undefined ? {} : { input }),
    });
    return stdout.trim();
  };
  return {
    url: `ssh://git@git.lab${absolute}`,
    path: absolute,
    branch,
    git: (...args) => git(args),
    head: () => git(['rev-parse', '--verify', ref]),
    setHead: async (sha) => {
      await git(['update-ref', ref, sha]);
    },
    push: async (commit) => {
      const tip = await git(['for-each-ref', '--format=%(objectname)', ref]);
      const parent = commit.base === undefined ? tip : (commit.base ?? '');
      const force = commit.force === true ? ['--force'] : [];
      return git(['fast-import', '--quiet', ...force], fastImport(ref, parent, commit));
    },
  };
}

/** Make an empty bare repository on the control host. */
export async function createRepository(path: string, branch: string): Promise<Repository> {
  const init = ['init', '-q', '--bare', `--initial-branch=${branch}`, `/srv/git/${path}`];
  await runInGuest(controlName, 'git', init, { user: 'git', cwd: '/', reject: true });
  return openRepository(path, branch);
}

/** One commit in the language of `git fast-import`; it prints the commit's name at the end. */
function fastImport(ref: string, parent: string, commit: Commit): string {
  const seconds = Math.floor(Date.now() / 1000);
  const changes = Object.entries(commit.files ?? {}).map(([path, content]) =>
    content === null ? `D ${path}\n` : `M 100644 inline ${path}\n${data(content)}`,
  );
  const links = Object.entries(commit.submodules ?? {}).map(
    ([path, sha]) => `M 160000 ${sha} ${path}\n`,
  );
  return [
    ...(parent === '' ? [`reset ${ref}\n`] : []),
    `commit ${ref}\nmark :1\ncommitter geo <geo@lab> ${seconds} +0000\n`,
    data(commit.message),
    ...(parent === '' ? [] : [`from ${parent}\n`]),
    ...changes,
    ...links,
    '\nget-mark :1\ndone\n',
  ].join('');
}

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
