import type { Invocation } from '../command-table.ts';
import { RefusedError } from '../errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import { rollBackByHand } from '../roll-back-by-hand.ts';
import { openContext, openDoor, withLock } from './context.ts';
import { reportOutcome } from './report-outcome.ts';

/** `rollback [--to COMMIT|BACKUP]`. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const to = invocation.flags['to'];
  if (to !== undefined && (typeof to !== 'string' || to.startsWith('-'))) {
    throw new RefusedError(
      `--to ${String(to)}: a commit or a backup is expected`,
      'orchestrator-update history',
    );
  }
  const door = openDoor(invocation.environment);
  return withLock(invocation, async () => {
    const context = await openContext(invocation, door);
    try {
      const outcome = await rollBackByHand(context.host, context.config, { to });
      context.statusLine.clear();
      return await reportOutcome(outcome, invocation, context);
    } finally {
      context.statusLine.clear();
    }
  });
}
