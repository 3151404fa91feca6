/* eslint-disable no-restricted-globals -- a Date that is given its moment reads no clock */

/** Milliseconds since 1970; NaN for what is no moment. */
export function millisecondsOf(iso: string): number {
  return Date.parse(iso);
}

/** ISO 8601, UTC; null for what is no moment. */
export function isoOf(milliseconds: number): string | null {
  const at = new Date(milliseconds);
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}
