import type { Invocation } from '../command-table.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { reject } from '../reject.ts';
import { openContext, openDoor, withLock } from './context.ts';
import { whoTypes } from './who.ts';

/** `reject ID [--reason TEXT]`: a person does not want the plan that waits; its commit is quarantined, unless deployed. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const [wanted] = invocation.positionals;
  const { reason = '' } = invocation.flags as { reason?: string };
  if (wanted === undefined) {
    throw new UsageError(
      'reject needs the ID of the plan that waits',
      'orchestrator-update status    # shows it; then: orchestrator-update reject ID',
    );
  }
  const door = openDoor(invocation.environment);
  return withLock(invocation, async () => {
    const { host, config, log, statusLine } = await openContext(invocation, door);
    const by = whoTypes(invocation.environment);
    const rejection = await reject(host, config, { wanted, reason, by }).finally(() =>
      statusLine.clear(),
    );
    const { rejected, what, areImages, isQuarantined } = rejection;
    if (invocation.json) process.stdout.write(`${JSON.stringify(rejection, undefined, 2)}\n`);
    if (isQuarantined) {
      log.info(`${what} is quarantined: ${rejected.reason}`, {
        event: 'quarantined',
      });
      log.info(
        `next: push another ${areImages ? 'image' : `release to ${config.branch}`}; or: orchestrator-update run --force`,
      );
    } else {
      log.info(`${what} is not applied again, and stays deployed: ${rejected.reason}`);
    }
    await log.flush();
    return exitCodes.done;
  });
}
