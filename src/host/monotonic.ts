/** The clock of systemd's `…TimestampMonotonic` properties, in seconds. */
export function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}
