import type { Invocation } from '../command-table.ts';
import { localTime, momentOf, type Hold } from '../schedule.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { writeHold } from '../records.ts';
import { openContext, openDoor } from './context.ts';

/** `hold`: nothing is updated until a person says `resume`, or the time is over. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { until, reason = '' } = invocation.flags as { until?: string; reason?: string };
  const { host, log } = await openContext(invocation, openDoor(invocation.environment));
  const now = host.now();
  const end = until === undefined ? undefined : momentOf(until, now);
  if (until !== undefined && end === undefined) {
    throw new UsageError(
      `--until ${until}: a span (90m, 12h, 3d) or a moment to come (2026-12-24, 2026-12-24T06:00) is expected`,
      'orchestrator-update hold --help',
    );
  }
  const hold: Hold = {
    reason,
    at: now.toISOString(),
    ...(end ? { until: end.toISOString() } : {}),
  };
  // Without the lock: an update that is under way is finished, and the next one is not begun.
  await writeHold(host.state, hold);
  if (invocation.json) process.stdout.write(`${JSON.stringify({ hold }, undefined, 2)}\n`);
  log.info(
    `updates are on hold${end ? ` until ${localTime(end)}` : ''}${reason === '' ? '' : `: ${reason}`}`,
  );
  log.info('next: orchestrator-update resume    # to allow them again');
  await log.flush();
  return exitCodes.done;
}
