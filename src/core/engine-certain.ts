/**
 * What no waiting mends once a daemon has started: its storage, what it does not know any more, and a containerd whose
 * shims are not there, or speak another version.
 */
const CERTAIN = [
  /^the storage driver is /,
  /^images are kept by /,
  / is not there any more$/,
  /^container: .*unsupported shim version/i,
  /^container: .*containerd-shim\S*\s.*(not found|not installed|does not exist|no such file)/i,
] as const;

/** Another dockerd answers: the one that is meant may be on its way, and what this one says is not of it. */
const OF_ANOTHER = /^dockerd \S+ runs instead of /;

/**
 * What of an engine's problems cannot change by waiting, however slow the host is. A single look proves nothing: a
 * container that is being asked for may not be told of.
 */
export function certainIn(problems: readonly string[]): string[] {
  if (problems.some((problem) => OF_ANOTHER.test(problem))) return [];
  return problems.filter((problem) => CERTAIN.some((pattern) => pattern.test(problem)));
}
