import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { git, names, type GitContext } from './git-command.ts';
import { livePaths, type Submodules } from './submodules.ts';

/** A path that a commit has and the work tree's HEAD has not. */
interface Added {
  readonly path: string;
  readonly isSubmodule: boolean;
}

/**
 * What lies untracked in the live tree where a checkout of a commit would write: at an added path
 * itself, or a file where the commit has a directory; in submodules, too, which are fetched before.
 * Renames count: their new name is added.
 */
export async function untrackedInTheWay(
  context: GitContext,
  submodules: Submodules,
  commit: string,
): Promise<string[]> {
  const live = new Set(await livePaths(context));
  const found = [await inTheWayOf(context, '', commit)];
  for (const submodule of await submodules.list(commit)) {
    if (!live.has(submodule.fullPath)) continue;
    const below = await inTheWayOf(context, submodule.fullPath, submodule.commit);
    found.push(below.map((path) => join(submodule.fullPath, path)));
  }
  return found.flat();
}

async function inTheWayOf(context: GitContext, tree: string, commit: string): Promise<string[]> {
  const directory = join(context.repository.directory, tree);
  const flags = ['--raw', '-z', '--no-renames', '--diff-filter=A'];
  const added = addedIn(await git(context, directory, ['diff', ...flags, 'HEAD', commit]));
  const inUse = await Promise.all(added.map((entry) => inUseFor(directory, entry)));
  const found = new Map(inUse.flat().map((entry) => [entry.path, entry]));
  if (found.size === 0) return [];
  const list = ['--literal-pathspecs', 'ls-files', '--others', '-z', '--', ...found.keys()];
  const untracked = names(await git(context, directory, list));
  return [...found.values()].flatMap(({ path, isSubmodule }) => {
    // A repository of its own is listed as `path/`: a submodule that was removed and comes back.
    const isTaken = untracked.some(
      (name) =>
        name === path || (name.startsWith(`${path}/`) && !(isSubmodule && name === `${path}/`)),
    );
    return isTaken ? [path] : [];
  });
}

/** `git diff --raw -z`: `:000000 100644 <id> <id> A`, then the path. */
function addedIn(raw: string): Added[] {
  const fields = names(raw);
  return fields.flatMap((field, index) => {
    const path = fields[index + 1];
    if (index % 2 !== 0 || path === undefined) return [];
    return [{ path, isSubmodule: field.split(' ')[1] === '160000' }];
  });
}

/** The added path if something is there, or the part of it that is no directory. */
async function inUseFor(directory: string, added: Added): Promise<Added[]> {
  const parts = added.path.split('/');
  for (let length = 1; length <= parts.length; length++) {
    const path = parts.slice(0, length).join('/');
    const found = await lstat(join(directory, path)).catch(() => undefined);
    if (found === undefined) return [];
    if (length === parts.length) return [added];
    if (!found.isDirectory()) return [{ path, isSubmodule: false }];
  }
  return [];
}
