import type { Invocation } from '../command-table.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readNeedsOperator } from '../records.ts';
import { files } from '../state-names.ts';
import { letTowersGoOn } from '../towers.ts';
import { openContext, openDoor, withLock } from './context.ts';
import { raiseAcknowledged } from './tell.ts';

/** `acknowledge`: a person says that the cluster is well; updates are allowed again. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const door = openDoor(invocation.environment);
  return withLock(invocation, async () => {
    const { host, config, log } = await openContext(invocation, door);
    const latched = await readNeedsOperator(host.state);
    if (latched) await host.state.remove(files.needsOperator);
    // The next time the engine is broken is another incident.
    if (latched) await host.state.remove(files.engineIncident);
    if (latched) await letTowersGoOn(host, config);
    if (latched) await raiseAcknowledged(invocation, latched);
    const text = latched
      ? `acknowledged: ${latched.reason}; the next run goes on`
      : 'nothing to acknowledge: no operator is needed';
    if (invocation.json)
      process.stdout.write(`${JSON.stringify({ acknowledged: latched ?? null })}\n`);
    log.info(text);
    await log.flush();
    return exitCodes.done;
  });
}
