import type { Invocation } from '../command-table.ts';

/** How long what is ordered before the unit, the network above all, may keep a timer's start waiting. */
const TRIGGER_MS = 5 * 60_000;

/**
 * Whether nobody asked for this very run. systemd tells a unit when its timer started it (since
 * 252; seen with 257: it goes on telling that to starts by hand, so an old moment counts for
 * nothing); without a service manager `--auto` says so, as from cron.
 */
export function isAutomatic({ environment, flags }: Invocation): boolean {
  // Started because another unit failed, says systemd since 251: the recovery after a run of the timer.
  if (environment['MONITOR_SERVICE_RESULT'] !== undefined) return true;
  if (environment['INVOCATION_ID'] !== undefined) {
    const triggeredAtMs = Number(environment['TRIGGER_TIMER_REALTIME_USEC'] ?? Number.NaN) / 1000;
    return Math.abs(Date.now() - triggeredAtMs) < TRIGGER_MS;
  }
  return flags['auto'] === true;
}
