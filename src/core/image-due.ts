import { millisecondsOf } from './moment.ts';

/** A look that did not learn all is made again after so many minutes, doubled each time, if not sooner. */
const RETRY_MINUTES = 10;
/** A timer that comes on the hour starts a look a moment sooner or later than an hour after the last. */
const MOST_SLACK_MINUTES = 5;
const SLACK = 0.1;

/** What is known of the last look at the registries. */
export interface LastLook {
  /** When it began, ISO 8601. */
  readonly at: string;
  /** What could not be learned. */
  readonly failed: readonly string[];
  /** How many looks in a row have not learned all. */
  readonly failures?: number;
}

/**
 * Whether registries are to be asked. A last look that lies ahead was made before the clock was set back, and counts
 * for nothing.
 *
 * @param checkMinutes `images.check_minutes`: what the timer waits for
 * @param isAsked a person has started the run: they want to know now
 */
export function isLookDue(
  last: LastLook | undefined,
  { checkMinutes, isAsked, nowMs }: { checkMinutes: number; isAsked: boolean; nowMs: number },
): boolean {
  if (isAsked || last === undefined) return true;
  const minutes = (nowMs - millisecondsOf(last.at)) / 60_000;
  if (!(minutes >= 0)) return true;
  const { failed, failures = 1 } = last;
  const retry = RETRY_MINUTES * 2 ** Math.min(failures - 1, 20);
  const due = failed.length > 0 ? Math.min(checkMinutes, retry) : checkMinutes;
  return minutes + Math.min(MOST_SLACK_MINUTES, checkMinutes * SLACK) >= due;
}
