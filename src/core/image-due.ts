import { millisecondsOf } from './moment.ts';

/** A look that did not learn all is made again after so many minutes, if not sooner. */
const RETRY_MINUTES = 10;

/** What is known of the last look at the registries. */
export interface LastLook {
  /** ISO 8601. */
  readonly at: string;
  /** What could not be learned. */
  readonly failed: readonly string[];
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
  return minutes >= (last.failed.length > 0 ? Math.min(checkMinutes, RETRY_MINUTES) : checkMinutes);
}
