import { lstat, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { copyAsIs } from '../argv/files.ts';
import type { ComposeModel } from '../core/compose-model.ts';
import { buildContext } from '../core/contents.ts';
import { messageOf, RefusedError } from '../errors.ts';
import { exec, type ExecOptions } from './exec.ts';
import type { Staging } from './host.ts';
import type { Repository } from './repository.ts';

/**
 * Makes the build contexts of these services what they will be in the live tree. A staging links to
 * the files that are not in the repository, and an image would get the links: here they are copied
 * in, but for those `.dockerignore` names. As the owner of the work tree, whose links root must not
 * follow.
 *
 * @throws {RefusedError} when one of them cannot be copied
 */
export async function fillBuildContexts(
  { directory: live, owner }: Repository,
  staging: Staging,
  model: ComposeModel,
  services: readonly string[],
  limits: Pick<ExecOptions, 'timeoutSeconds' | 'signal' | 'watch'>,
): Promise<void> {
  for (const context of contextsOf(model, services)) {
    const path = relative(live, context);
    if (path === '..' || path.startsWith('../')) continue;
    const staged = join(staging.directory, path);
    const ignored = await ignoredNames(staged);
    for (const link of await linksBelow(staged, staging.directory, live)) {
      if (ignored.has(relative(staged, link))) continue;
      await rm(link);
      const original = join(live, relative(staging.directory, link));
      await exec(copyAsIs(original, link), { ...limits, user: owner, cwd: '/' }).catch(
        (error: unknown) => {
          throw new RefusedError(
            `${original} belongs to the build context ${context} and cannot be copied: ${messageOf(error)}`,
            `name it in ${join(context, '.dockerignore')} if the image does not need it`,
          );
        },
      );
    }
  }
}

function contextsOf(model: ComposeModel, services: readonly string[]): string[] {
  return [...new Set(services.flatMap((name) => buildContext(model, name) ?? []))];
}

/** Whole names only: what a pattern leaves out is copied, and docker leaves it out all the same. */
async function ignoredNames(context: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(context, '.dockerignore'), 'utf8').catch(() => '');
  const lines = text.split('\n').map((line) => line.trim());
  // Something may be taken back in by `!`: then everything is copied.
  if (lines.some((line) => line.startsWith('!'))) return new Set();
  return new Set(lines.map((line) => line.replace(/^\.?\//, '').replace(/\/$/, '')));
}

/** The links of a staging to the live tree, below a directory of it. */
async function linksBelow(directory: string, root: string, live: string): Promise<string[]> {
  const there = await lstat(directory).catch(() => undefined);
  if (there?.isSymbolicLink()) return (await isOurs(directory, root, live)) ? [directory] : [];
  if (!there?.isDirectory()) return [];
  const links: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) links.push(...(await linksBelow(path, root, live)));
    else if (entry.isSymbolicLink() && (await isOurs(path, root, live))) links.push(path);
  }
  return links;
}

async function isOurs(link: string, root: string, live: string): Promise<boolean> {
  return (await readlink(link)) === join(live, relative(root, link));
}
