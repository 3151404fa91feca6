/**
 * Which backups may go: the newest `keep` that are not known to be damaged stay; a damaged one stays as
 * long as it is among the newest `keep` of all, and never keeps a good one from staying.
 *
 * @param names newest first
 * @returns the others, newest first
 */
export function expendable(
  names: readonly string[],
  keep: number,
  damaged: ReadonlySet<string>,
): string[] {
  const good = names.filter((name) => !damaged.has(name));
  const kept = new Set([...good.slice(0, keep), ...names.slice(0, keep)]);
  return names.filter((name) => !kept.has(name));
}
