import type { Log } from '../host/log.ts';
import { outliveReaders } from '../host/terminal.ts';
import type { Notifier } from '../host/notifier.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';

/**
 * Tells everybody how a run ended: the log, a program on stdout, systemd. READY=1 is the last
 * act and means verified, nothing to do, or held; a bad outcome never sends it, so the start
 * fails.
 */
export async function reportOutcome(
  outcome: Outcome,
  { log, notifier, json }: { log: Log; notifier: Notifier; json: boolean },
): Promise<ExitCode> {
  const fields = {
    result: outcome.result,
    run: outcome.transaction,
    commit: outcome.to,
    exitCode: outcome.exitCode,
  };
  const isGood = outcome.exitCode === exitCodes.done || outcome.exitCode === exitCodes.waiting;
  if (isGood) log.info(outcome.summary, fields);
  else log.error(outcome.summary, fields);
  if (outcome.next !== undefined) log.info(`next: ${outcome.next}`, fields);
  if (json) {
    outliveReaders();
    process.stdout.write(`${JSON.stringify(outcome, undefined, 2)}\n`);
  }
  await log.flush();
  if (isGood) await notifier.ready(outcome.summary);
  else notifier.status(outcome.summary);
  return outcome.exitCode;
}
