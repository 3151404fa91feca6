/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 4 min`, `3 d 4 h`: as exact as a person wants it. */
export function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (whole < 60) return `${whole} s`;
  if (whole < HOUR) return pair(whole, MINUTE, 'min', 1, 's');
  if (whole < DAY) return pair(whole, HOUR, 'h', MINUTE, 'min');
  return pair(whole, DAY, 'd', HOUR, 'h');
}

/** `just now`, `5 min ago`, `3 d ago`; with a moment that is still to come, `in 5 min`. */
export function agoText(atMs: number, nowMs: number): string {
  if (!Number.isFinite(atMs)) return '?';
  const seconds = Math.abs(nowMs - atMs) / 1000;
  const isPast = atMs <= nowMs;
  if (seconds < MINUTE) return isPast ? 'just now' : 'in a moment';
  const text = roughText(seconds);
  return isPast ? `${text} ago` : `in ${text}`;
}

/** `2026-11-24 02:00`, as ISO 8601 has it; what is no moment is shown as it is. */
export function momentText(iso: string): string {
  const [, day, minute] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)/.exec(iso) ?? [];
  return day === undefined || minute === undefined ? iso : `${day} ${minute}`;
}

/** The hours of `90m`, `36h`, `3d`, `2w`; undefined of what is no span. */
export function hoursOf(span: string): number | undefined {
  const [, number, unit] = /^\s*(\d{1,6})\s*([mhdw])\s*$/.exec(span) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  return (Number(number) * (SPAN_SECONDS[unit] ?? 0)) / HOUR;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const SPAN_SECONDS: Readonly<Record<string, number>> = {
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
};

function roughText(seconds: number): string {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

function pair(whole: number, large: number, name: string, small: number, rest: string): string {
  const more = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${name}${more === 0 ? '' : ` ${more} ${rest}`}`;
}
