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
  /** How often the target was there, and did not want this one. */
  readonly refusals?: number;
}

/** How one was tried in vain. */
export interface Failure {
  readonly problem: string;
  /** What the receiver asks for, where it does. */
  readonly retryAfterSeconds?: number;
  /** It was answered, and the answer is about what was sent: what is behind it may fare better. */
  readonly isRefused?: boolean;
}

const MINUTE_MS = 60_000;
const delaysMs = [1, 5, 15, 60, 360].map((minutes) => minutes * MINUTE_MS);
const LONGEST_DELAY_MS = 360 * MINUTE_MS;
const GIVE_UP_AFTER_MS = 3 * 24 * 60 * MINUTE_MS;
/** A host may have been without power for longer than that: so often it is tried in any case. */
const LEAST_ATTEMPTS = 6;
/** What was refused is mended by a person, if at all, and not within minutes. */
const refusedDelaysMs = [60, 360].map((minutes) => minutes * MINUTE_MS);

/** Whether it may be tried now. A moment further away than any delay is of a clock that was set back. */
export function isDue({ notBeforeMs }: Delivery, nowMs: number): boolean {
  return nowMs >= notBeforeMs || notBeforeMs - nowMs > LONGEST_DELAY_MS;
}

/** What is as old as that is given up with the first of its target that is. */
export function isOld({ queuedAtMs }: Delivery, nowMs: number): boolean {
  return nowMs - queuedAtMs > GIVE_UP_AFTER_MS;
}

/**
 * What becomes of a delivery that was tried in vain.
 *
 * @returns undefined where it is given up
 */
export function afterFailure(
  delivery: Delivery,
  { problem, retryAfterSeconds = 0, isRefused = false }: Failure,
  nowMs: number,
): Delivery | undefined {
  const attempts = delivery.attempts + 1;
  const refusals = (delivery.refusals ?? 0) + (isRefused ? 1 : 0);
  if (refusals > refusedDelaysMs.length) return undefined;
  if (isOld(delivery, nowMs) && attempts >= LEAST_ATTEMPTS) return undefined;
  const usual = isRefused ? refusedDelaysMs[refusals - 1] : delaysMs[attempts - 1];
  const wantedMs = Math.max(usual ?? LONGEST_DELAY_MS, retryAfterSeconds * 1000);
  return {
    ...delivery,
    attempts,
    problem,
    notBeforeMs: nowMs + Math.min(LONGEST_DELAY_MS, wantedMs),
    ...(refusals > 0 ? { refusals } : {}),
  };
}

/**
 * Which one is tried although what is before it has to wait: one target that is away must not keep back what is urgent,
 * and one notification that no target takes must not keep back the others. One in a run, so that a target that hangs
 * costs little.
 *
 * @param behind what waits behind the first one, in order
 * @param hasFailed the first one was tried just now: only what is urgent is worth another time-out
 */
export function extraOf(
  behind: readonly Delivery[],
  nowMs: number,
  hasFailed: boolean,
): Delivery | undefined {
  const due = behind.filter((one) => isDue(one, nowMs));
  const urgent = due.find(({ notification }) => notification.severity === 'critical');
  return urgent ?? (hasFailed ? undefined : due.find(({ attempts }) => attempts === 0));
}

/** The oldest first. */
export function inOrder(deliveries: readonly Delivery[]): Delivery[] {
  return deliveries.toSorted(
    (left, right) =>
      left.queuedAtMs - right.queuedAtMs || (left.notification.at < right.notification.at ? -1 : 1),
  );
}
