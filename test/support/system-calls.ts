/** A system call, as strace shows it. */
export interface Call {
  readonly name: string;
  /** What it was called with, file descriptors with their paths. */
  readonly args: string;
}

/** The system calls of every thread that succeeded, in the order in which they ended. */
export function callsIn(trace: string): Call[] {
  const pending = new Map<string, string>();
  return trace.split('\n').flatMap((line): Call[] => {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const begun = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (begun !== undefined) {
      pending.set(pid, begun);
      return [];
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const whole = resumed === undefined ? rest : `${pending.get(pid) ?? ''}${resumed}`;
    const found = /^(\w+)\((.*)\)\s+= (?!-1)/.exec(whole);
    return found?.[1] ? [{ name: found[1], args: found[2] ?? '' }] : [];
  });
}
