import type { Notification } from './notification.ts';

/** One notification for one target, until it has it. */
export interface Delivery {
  /** The name of the target in the configuration. */
  readonly target: string;
  readonly notification: Notification;
  /** Milliseconds since 1970, as all of these. */
  readonly queuedAtMs: number;
  /** How often it was tried in vain. */
  readonly attempts: number;
  readonly notBeforeMs: number;
  /** What went wrong last. */
  readonly problem?: string;
}

const MINUTE_MS = 60_000;
const delaysMs = [1, 5, 15, 60, 360].map((minutes) => minutes * MINUTE_MS);
const LONGEST_DELAY_MS = 360 * MINUTE_MS;
const GIVE_UP_AFTER_MS = 3 * 24 * 60 * MINUTE_MS;
/** A host may have been without power for longer than that: so often it is tried in any case. */
const LEAST_ATTEMPTS = 6;

/** Whether it may be tried now. A moment further away than any delay is of a clock that was set back. */
export function isDue({ notBeforeMs }: Delivery, nowMs: number): boolean {
  return nowMs >= notBeforeMs || notBeforeMs - nowMs > LONGEST_DELAY_MS;
}

/**
 * What becomes of a delivery that was tried in vain.
 *
 * @param retryAfterSeconds what the receiver asks for, where it does
 * @returns undefined where it is given up
 */
export function afterFailure(
  delivery: Delivery,
  problem: string,
  nowMs: number,
  retryAfterSeconds = 0,
): Delivery | undefined {
  const attempts = delivery.attempts + 1;
  const isOld = nowMs - delivery.queuedAtMs > GIVE_UP_AFTER_MS;
  if (isOld && attempts >= LEAST_ATTEMPTS) return undefined;
  const usual = delaysMs[attempts - 1] ?? LONGEST_DELAY_MS;
  const delayMs = Math.min(LONGEST_DELAY_MS, Math.max(usual, retryAfterSeconds * 1000));
  return { ...delivery, attempts, problem, notBeforeMs: nowMs + delayMs };
}

/** The oldest first. */
export function inOrder(deliveries: readonly Delivery[]): Delivery[] {
  return deliveries.toSorted(
    (left, right) =>
      left.queuedAtMs - right.queuedAtMs || (left.notification.at < right.notification.at ? -1 : 1),
  );
}
