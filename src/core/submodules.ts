/** One submodule of a commit: where it is, which commit it is at, where it comes from. */
export interface Submodule {
  readonly name: string;
  readonly path: string;
  readonly commit: string;
  readonly url: string;
}

/** Gitlinks in the output of `git ls-tree -r -z COMMIT` or `git ls-files --stage -z`: path → commit. */
export function gitlinksIn(listing: string): Map<string, string> {
  const entries = listing.split('\0').flatMap((line) => {
    const found = /^160000 (?:commit )?([0-9a-f]+)(?: \d)?\t(.+)$/s.exec(line);
    return found?.[1] && found[2] ? [[found[2], found[1]] as const] : [];
  });
  return new Map(entries);
}

/**
 * Joins a commit's gitlinks with its `.gitmodules` (`git config -z --get-regexp` output:
 * `submodule.NAME.path\nPATH\0`).
 *
 * @throws when a gitlink has no entry, or a path or URL is one git itself would not accept.
 */
export function submodulesOf(
  gitlinks: ReadonlyMap<string, string>,
  gitmodules: string,
  remoteUrl: string,
): Submodule[] {
  const byName = new Map<string, { path?: string; url?: string }>();
  for (const line of gitmodules.split('\0')) {
    const found = /^submodule\.(.+)\.(path|url)\n(.*)$/s.exec(line);
    if (!found?.[1] || !found[2]) continue;
    const entry = byName.get(found[1]) ?? {};
    byName.set(found[1], { ...entry, [found[2]]: found[3] });
  }
  return [...gitlinks].map(([path, commit]) => {
    const [name, entry] = [...byName].find(([, { path: at }]) => at === path) ?? [];
    if (name === undefined || entry?.url === undefined) {
      throw new Error(`the submodule at ${path} has no path and url in .gitmodules`);
    }
    if (
      /(^|\/)\.\.(\/|$)/.test(name) ||
      /^-|[\0-\x1f]/.test(entry.url) ||
      entry.url.includes('::')
    ) {
      throw new Error(`the submodule ${name} has a name or url that is not safe to use`);
    }
    return { name, path, commit, url: submoduleUrl(remoteUrl, entry.url) };
  });
}

/** A relative submodule URL (`../config.git`) counts from the remote's URL, as in git. */
export function submoduleUrl(remoteUrl: string, url: string): string {
  if (!url.startsWith('./') && !url.startsWith('../')) return url;
  let base = remoteUrl.replace(/\/+$/, '');
  let rest = url;
  let separator = '/';
  while (rest.startsWith('./') || rest.startsWith('../')) {
    if (rest.startsWith('../')) {
      // `git@host:op.git` has no slash to go back to: the colon stays one.
      separator = base.includes('/') ? '/' : ':';
      base = base.slice(0, Math.max(0, base.lastIndexOf(separator)));
    }
    rest = rest.slice(rest.indexOf('/') + 1);
  }
  return base + separator + rest;
}
