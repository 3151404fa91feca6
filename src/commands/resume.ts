import type { Invocation } from '../command-table.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { readHold } from '../records.ts';
import { files } from '../state-names.ts';
import { openContext, openDoor } from './context.ts';

/** `resume`: ends a hold. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { host, log } = await openContext(invocation, openDoor(invocation.environment));
  const hold = await readHold(host.state);
  if (hold) await host.state.remove(files.hold);
  if (invocation.json) {
    process.stdout.write(`${JSON.stringify({ resumed: hold ?? null }, undefined, 2)}\n`);
  }
  log.info(hold ? 'updates are allowed again; the next run goes on' : 'updates were not on hold');
  await log.flush();
  return exitCodes.done;
}
