/** What a person was told last that has to be done by hand, and when. */
export interface Reminded {
  /** `quarantine <commit>`, `hold <moment>`, `approval <hash>`, `operator <transaction>`, `backup <name> <moment>`. */
  readonly about: string;
  /** Since 1970. */
  readonly atMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether a person is to be told of it: at once, and then at most once a day. */
export function isReminderDue(last: Reminded | undefined, about: string, nowMs: number): boolean {
  if (last?.about !== about) return true;
  const agoMs = nowMs - last.atMs;
  // A moment that is no moment, or to come (the clock was wrong), counts for nothing.
  return !(agoMs >= 0 && agoMs < DAY_MS);
}
