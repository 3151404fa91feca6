/** What the process tells its caller. The same codes for every command and every door. */
export const exitCodes = {
  /** Done, nothing to do, or held on purpose. */
  done: 0,
  /** Failed, and nothing on the host was changed. */
  failed: 1,
  /** Wrong usage or configuration; nothing was done. */
  usage: 2,
  /** An update waits: for approval, or (for `check`) to be taken. */
  waiting: 10,
  /** Another run holds the lock. */
  locked: 11,
  /** The new release failed; the old one runs and was verified. */
  rolledBack: 12,
  /** An operator is needed: neither release could be verified; also, of those that only look, an update was cut off. */
  operator: 13,
  /** Interrupted by a signal; the host is on the old release. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
