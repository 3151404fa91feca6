import type { Invocation } from '../command-table.ts';
import { eventOfRun } from '../core/events.ts';
import type { Log } from '../host/log.ts';
import { outliveReaders } from '../host/terminal.ts';
import type { Notifier } from '../host/notifier.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import { remind } from '../reminder.ts';
import { isAutomatic } from './automatic.ts';
import { publish } from './publish.ts';
import { endSoon } from './tell-waiting.ts';
import { raiseOutcome } from './tell.ts';

/**
 * Tells everybody how a run ended: the log, a program on stdout, systemd. READY=1 is the last
 * act and means verified, nothing to do, or held; a bad outcome never sends it, so the start
 * fails. What the timer meets again and again (a quarantine, a hold, a needed operator) is a warning
 * or an error once a day, and between that no news.
 */
export async function reportOutcome(
  outcome: Outcome,
  invocation: Invocation,
  {
    log,
    notifier,
    isUntold = false,
  }: {
    readonly log: Log;
    readonly notifier: Notifier;
    /** Neither in the report nor in the metrics: what was said there last stays. */
    readonly isUntold?: boolean;
  },
): Promise<ExitCode> {
  const fields = {
    result: outcome.result,
    run: outcome.transaction,
    commit: outcome.to,
    approval: outcome.approvalId,
    exitCode: outcome.exitCode,
  };
  const isGood = outcome.exitCode === exitCodes.done || outcome.exitCode === exitCodes.waiting;
  const { remindOf } = outcome;
  const event = eventOfRun({ ...outcome, isSuccess: outcome.exitCode === exitCodes.done });
  const told = { ...fields, event };
  const isNews =
    remindOf === undefined ||
    (await remind(invocation.settings.stateDirectory, remindOf, new Date())) ||
    !isAutomatic(invocation);
  if (!isNews) log.info(outcome.summary, told);
  else if (!isGood) log.error(outcome.summary, told);
  else if (remindOf !== undefined) log.warn(outcome.summary, told);
  else log.info(outcome.summary, told);
  if (outcome.next !== undefined) log.info(`next: ${outcome.next}`, fields);
  await raiseOutcome(outcome, invocation);
  if (invocation.json) {
    outliveReaders();
    const { remindOf: _, tells: __, ...said } = outcome;
    process.stdout.write(`${JSON.stringify(said, undefined, 2)}
`);
  }
  if (!isUntold) await publish(invocation, outcome.result, log);
  await log.flush();
  if (isGood) await notifier.ready(outcome.summary);
  else endSoon(notifier, outcome.summary);
  return outcome.exitCode;
}
