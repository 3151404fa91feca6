import type { Host } from './host/host.ts';
import { readRetry, writeRetry } from './records.ts';

const FIRST_DELAY_SECONDS = 5 * 60;
const LONGEST_DELAY_SECONDS = 6 * 60 * 60;
/** Hosts that failed together must not come back together. */
const JITTER = 0.25;

/** Remembers that a release could not be tried, for a reason that may go away, and when to try again. */
export async function backOff(host: Host, commit: string, reason: string): Promise<Date> {
  const last = await readRetry(host.state);
  const failures = last?.commit === commit ? last.failures + 1 : 1;
  const seconds = delaySeconds(failures, host.random());
  const notBefore = new Date(host.now().getTime() + seconds * 1000);
  await writeRetry(host.state, { commit, failures, reason, notBefore: notBefore.toISOString() });
  return notBefore;
}

/** 5 minutes, doubled by each failure, 6 hours at most; a quarter more or less, by a number from 0 to 1. */
export function delaySeconds(failures: number, random: number): number {
  const doubled = FIRST_DELAY_SECONDS * 2 ** Math.min(failures - 1, 20);
  return Math.min(doubled, LONGEST_DELAY_SECONDS) * (1 + JITTER * (2 * random - 1));
}

/**
 * What failed before, where it is not time yet to try again. A moment further away than any delay is a
 * clock that was set back: it is not waited for.
 */
export async function stillBackingOff(
  host: Host,
  commit: string,
): Promise<{ reason: string; failures: number; notBefore: Date } | undefined> {
  const last = await readRetry(host.state);
  if (last?.commit !== commit) return undefined;
  const notBefore = new Date(last.notBefore);
  const leftSeconds = (notBefore.getTime() - host.now().getTime()) / 1000;
  if (leftSeconds <= 0 || leftSeconds > LONGEST_DELAY_SECONDS * (1 + JITTER)) return undefined;
  return { reason: last.reason, failures: last.failures, notBefore };
}
