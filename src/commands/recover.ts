import type { Invocation } from '../cli.ts';
import type { ExitCode } from '../exit-codes.ts';
import { nothingToDo } from '../outcome.ts';
import { readNeedsOperator } from '../records.ts';
import { recover } from '../recover.ts';
import { stillLatched } from '../update.ts';
import { openContext, openDoor, withLock } from './context.ts';
import { reportOutcome } from './report-outcome.ts';

/** `recover`: finish or take back what an interrupted run left. At boot, and by hand. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const door = openDoor(invocation.environment);
  return withLock(invocation, async () => {
    const { host, config, log, notifier, statusLine } = await openContext(invocation, door);
    try {
      const latched = await readNeedsOperator(host.state);
      const outcome = latched
        ? stillLatched(latched.reason, latched.transaction)
        : await recover(host, config);
      const told = outcome ?? nothingToDo('nothing to recover');
      return await reportOutcome(told, { log, notifier, json: invocation.json });
    } finally {
      statusLine.clear();
      await log.flush();
    }
  });
}
