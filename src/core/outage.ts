import type { Downtime } from './downtime.ts';
import type { Entry } from './journal.ts';
import type { Plan, Step } from './plan.ts';
import type { Action } from './service-plan.ts';

/** How long a service was away because of a transaction, where that was not measured. */
interface Outage {
  readonly service: string;
  /** ISO 8601: when the step that took it away was begun. */
  readonly since: string;
  /** At most; undefined where it is not known to be back. */
  readonly seconds: number | undefined;
}

const interrupting: ReadonlySet<Action> = new Set(['recreate', 'restart', 'rename']);

/**
 * Who was away, and for how long at most: from the journal, which has the moment at which each step was begun.
 * On the way back a service counts as back when the old release began to be verified.
 */
export function outagesOf(plan: Plan, entries: readonly Entry[]): Outage[] {
  const spans = spansOf(plan, entries);
  const down = spans.find(isDown);
  const end = entries.at(-1)?.state;
  const backAt = entries.findLast(({ state }) => state === 'VERIFYING_ROLLBACK')?.at;
  return plan.services.flatMap(({ service, action }): Outage[] => {
    const named = spans.filter(({ step }) => servicesIn(step).includes(service));
    // Who has no step of its own is seen to by the one that brings everything up.
    const own = named.length > 0 ? named : spans.filter(({ step }) => step.do === 'settle');
    const isTaken = down !== undefined && action !== 'create' && action !== 'remove';
    if (!isTaken && !interrupting.has(action)) return [];
    const since = (isTaken ? down : own[0])?.from;
    if (since === undefined) return [];
    const until =
      end === 'COMMITTED' ? own.at(-1)?.until : end === 'ROLLED_BACK' ? backAt : undefined;
    return [{ service, since, seconds: secondsBetween(since, until) }];
  });
}

/** What was measured, in the same words. */
export function downtimeTexts(downtimes: readonly Downtime[]): string[] {
  return downtimes
    .toSorted((left, right) => right.seconds - left.seconds)
    .map(({ service, seconds, goesOn }) =>
      goesOn === true
        ? `${service}: away for ${seconds} s, and not back yet`
        : `${service}: away for ${seconds} s`,
    );
}

const isDown = ({ step }: Span): boolean => step.do === 'down' || step.do === 'stop';

/** In a person's words, the longest first. */
export function outageTexts(outages: readonly Outage[]): string[] {
  const length = ({ seconds = Infinity }: Outage): number => seconds;
  return outages
    .toSorted((left, right) => length(right) - length(left))
    .map(({ service, since, seconds }) =>
      seconds === undefined
        ? `${service}: away since ${since.replace(/\.\d+Z$/, 'Z')}, not known to be back`
        : `${service}: away for ${seconds} s at most`,
    );
}

/** A step of the way there, and when it was begun and over. */
interface Span {
  readonly step: Step;
  readonly from: string;
  /** When whatever followed was begun. */
  readonly until: string | undefined;
}

/** Each step has its line in the journal, in the order of the plan. */
function spansOf({ apply }: Plan, entries: readonly Entry[]): Span[] {
  const begun = entries.flatMap(({ at, state, step }, index) =>
    state === 'APPLYING' && step !== undefined ? [{ at, until: entries[index + 1]?.at }] : [],
  );
  return begun.flatMap(({ at, until }, index) => {
    const step = apply[index];
    return step === undefined ? [] : [{ step, from: at, until }];
  });
}

function servicesIn(step: Step): readonly string[] {
  return 'services' in step && step.do !== 'build' ? step.services : [];
}

function secondsBetween(from: string, until: string | undefined): number | undefined {
  if (until === undefined) return undefined;
  return Math.max(0, Math.ceil((secondsOf(until) - secondsOf(from)) * 10) / 10);
}

const DAY_SECONDS = 86_400;

/** Seconds of an ISO 8601 moment in UTC, from some day on: days are counted as in a year that begins in March. */
function secondsOf(at: string): number {
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = at
    .split(/[-T:Z]/)
    .map(Number);
  const [y, m] = month < 3 ? [year - 1, month + 12] : [year, month];
  const leapDays = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  const days = 365 * y + leapDays + Math.floor((153 * (m - 3) + 2) / 5) + day;
  return days * DAY_SECONDS + hours * 3600 + minutes * 60 + seconds;
}
