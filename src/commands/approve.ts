import type { Invocation } from '../command-table.ts';
import { RefusedError } from '../errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import { update } from '../update.ts';
import { isEngineCutOff, openContext, openDoor, withLock, type Door } from './context.ts';
import { engineFirst } from './engine-first.ts';
import { fail } from './fail.ts';
import { publishFailure } from './publish.ts';
import { reportOutcome } from './report-outcome.ts';
import { whoTypes } from './who.ts';

/** `approve [ID] [--now]`: a person allows the plan that waits, and no other; it is carried out as `run` does it. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const door = openDoor(invocation.environment);
  try {
    if (isEngineCutOff(invocation)) await engineFirst(invocation, door);
    return await withLock(invocation, () => approveAndRun(invocation, door));
  } catch (error) {
    // Who typed another ID than what waits has not had a run.
    if (!(error instanceof RefusedError)) await publishFailure(error, invocation, door);
    return fail(error, invocation, door);
  }
}

async function approveAndRun(invocation: Invocation, door: Door): Promise<ExitCode> {
  const context = await openContext(invocation, door);
  const { host, config, statusLine } = context;
  const [wanted] = invocation.positionals;
  const approves = {
    wanted,
    isNow: invocation.flags['now'] === true,
    by: whoTypes(invocation.environment),
  };
  try {
    const outcome = await update(host, config, { force: false, isAutomatic: false, approves });
    statusLine.clear();
    return await reportOutcome(outcome, invocation, context);
  } finally {
    statusLine.clear();
  }
}
