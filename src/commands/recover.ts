import type { Invocation } from '../command-table.ts';
import { type ExitCode } from '../exit-codes.ts';
import { setTimeout as wait } from 'node:timers/promises';
import { thaw } from '../freeze.ts';
import { mendStopped } from '../mend.ts';
import { nothingToDo } from '../outcome.ts';
import { readNeedsOperator } from '../records.ts';
import { recover } from '../recover.ts';
import { stillLatched } from '../update.ts';
import { engineFirst } from './engine-first.ts';
import {
  isEngineCutOff,
  openContext,
  openDoor,
  RunUnderWayError,
  withLock,
  type Door,
} from './context.ts';
import { fail } from './fail.ts';
import { reportOutcome } from './report-outcome.ts';

const BETWEEN_TRIES_MS = 2000;

/** `recover`: finish or take back what an interrupted run left. Whenever Docker was started, and by hand. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const door = openDoor(invocation.environment);
  try {
    return await recoverLocked(invocation, door);
  } catch (error) {
    const isByHand = invocation.environment['INVOCATION_ID'] === undefined;
    if (isByHand || !(error instanceof RunUnderWayError)) return fail(error, invocation, door);
    // Docker was restarted in the middle of a run, and systemd started this. The run sees to what it does;
    // what is left after it is ours.
    await door.notifier.ready(`waiting: ${error.message}`);
    return await recoverAfterRun(invocation, door);
  }
}

/** Waits until the run that has the lock is over. */
async function recoverAfterRun(invocation: Invocation, door: Door): Promise<ExitCode> {
  for (;;) {
    try {
      await wait(BETWEEN_TRIES_MS, undefined, { signal: door.stop.signal() });
      return await recoverLocked(invocation, door);
    } catch (error) {
      if (!(error instanceof RunUnderWayError)) return fail(error, invocation, door);
    }
  }
}

async function recoverLocked(invocation: Invocation, door: Door): Promise<ExitCode> {
  // Who has to wait for nobody opens the host before it takes the lock: mostly there is nothing to do with it.
  await withLock(invocation, async () => {});
  if (isEngineCutOff(invocation)) await engineFirst(invocation, door);
  const { host, config, log, notifier, statusLine } = await openContext(invocation, door);
  return withLock(invocation, async () => {
    try {
      await thaw(host, config);
      const latched = await readNeedsOperator(host.state);
      const outcome = latched
        ? stillLatched(latched.reason, latched.transaction)
        : ((await recover(host, config)) ?? (await mendStopped(host, config)));
      const told = outcome ?? nothingToDo('nothing to recover');
      // This is started after every run that failed: how that ended is what there is to know.
      const isUntold = outcome === undefined;
      return await reportOutcome(told, invocation, { log, notifier, isUntold });
    } finally {
      statusLine.clear();
      await log.flush();
    }
  });
}
