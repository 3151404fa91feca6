/** The days of a week as a configuration names them, from Sunday, as Date counts them. */
export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof weekdays)[number];

/** When updates may begin by themselves, in the local time of the host. */
export interface Schedule {
  /** None: at any time. */
  readonly windows: readonly Window[];
  readonly freezes: readonly Freeze[];
}

interface Window {
  /** Days it begins on; none: every day. */
  readonly days: readonly Weekday[];
  /** `HH:MM`; a window that ends before it begins goes on until the next day. */
  readonly from: string;
  readonly to: string;
}

/** Whole days, both included, on which nothing begins: `YYYY-MM-DD`. */
interface Freeze {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** A person's word that nothing is to be updated. */
export interface Hold {
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Absent: until `resume`. */
  readonly until?: string | undefined;
}

/** Why nothing is begun now, and until when; what to type where a person can change it. */
export interface HeldBack {
  readonly why: string;
  readonly next: string;
  /** Since when a person holds all updates, where it is that. */
  readonly heldSince?: string;
}

/**
 * Whether something keeps an update from being begun. A hold keeps everybody; windows and freezes keep
 * only what starts by itself.
 */
export function heldBack(
  hold: Hold | undefined,
  schedule: Schedule,
  { now, isAutomatic }: { readonly now: Date; readonly isAutomatic: boolean },
): HeldBack | undefined {
  const isHeld = hold !== undefined && (hold.until === undefined || now < new Date(hold.until));
  if (isHeld) {
    const until = hold.until === undefined ? '' : ` until ${localTime(new Date(hold.until))}`;
    const reason = hold.reason === '' ? '' : `: ${hold.reason}`;
    return {
      why: `on hold${until}, since ${hold.at}${reason}`,
      next: 'orchestrator-update resume',
      heldSince: hold.at,
    };
  }
  if (!isAutomatic) return undefined;
  const byHand = 'orchestrator-update run    # by hand it is not kept back';
  const today = dayOf(now);
  const freeze = schedule.freezes.find(({ from, to }) => from <= today && today <= to);
  if (freeze) {
    const reason = freeze.reason === '' ? '' : `: ${freeze.reason}`;
    return { why: `frozen from ${freeze.from} to ${freeze.to}${reason}`, next: byHand };
  }
  if (schedule.windows.length === 0 || schedule.windows.some((one) => isOpen(one, now))) {
    return undefined;
  }
  const opens = nextOpening(schedule.windows, now);
  return {
    why: `outside of the maintenance window, which opens ${localTime(opens)}`,
    next: byHand,
  };
}

const DAY_MINUTES = 24 * 60;

function isOpen(window: Window, now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes();
  const [from, to] = [minutesOf(window.from), minutesOf(window.to)];
  if (from < to) return beginsOn(window, now.getDay()) && from <= minute && minute < to;
  const beganToday = beginsOn(window, now.getDay()) && minute >= from;
  return beganToday || (beginsOn(window, (now.getDay() + 6) % 7) && minute < to);
}

function beginsOn({ days }: Window, weekday: number): boolean {
  return days.length === 0 || days.includes(weekdays[weekday] ?? 'sun');
}

/** The first moment after now at which a window opens: every window does within eight days. */
function nextOpening(windows: readonly Window[], now: Date): Date {
  const openings = windows.flatMap((window) =>
    Array.from({ length: 9 }, (_, ahead) => {
      const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() + ahead);
      at.setMinutes(minutesOf(window.from));
      return at;
    }).filter((at) => at > now && beginsOn(window, at.getDay())),
  );
  return openings.toSorted((left, right) => left.getTime() - right.getTime())[0] ?? now;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (hours * 60 + minutes) % DAY_MINUTES;
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}

function dayOf(at: Date): string {
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
}

/** `Tue 2026-11-24 02:00`, in the local time of the host. */
export function localTime(at: Date): string {
  const day = weekdays[at.getDay()] ?? '';
  const time = [at.getHours(), at.getMinutes()].map(pad);
  return `${day.charAt(0).toUpperCase()}${day.slice(1)} ${dayOf(at)} ${time.join(':')}`;
}

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * The moment a person means: a span from now (`90m`, `12h`, `3d`), a day (its beginning), or a day and a
 * time, local unless they say otherwise. Undefined where it makes no sense or is over.
 */
export function momentOf(text: string, now: Date): Date | undefined {
  const span = /^(\d+)([mhd])$/.exec(text.trim());
  if (span) {
    return new Date(now.getTime() + Number(span[1]) * UNITS_MS[span[2] as keyof typeof UNITS_MS]);
  }
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text.trim())) {
    return undefined;
  }
  // A day by itself would be read as UTC.
  const isDay = text.trim().length === 10;
  const at = new Date(isDay ? `${text.trim()}T00:00` : text.trim().replace(' ', 'T'));
  return Number.isNaN(at.getTime()) || at <= now ? undefined : at;
}
