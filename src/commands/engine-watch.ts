import { setTimeout as wait } from 'node:timers/promises';
import { systemctlShow } from '../argv/systemctl.ts';
import type { Invocation } from '../command-table.ts';
import { PROPERTIES_OF_START, restartsIn, startOf } from '../core/engine-start.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { exec } from '../host/exec.ts';
import { chooseStream, createQuickLog } from '../host/log.ts';
import { monotonicSeconds } from '../host/monotonic.ts';
import { openStateFiles } from '../host/state-files.ts';
import { files } from '../state-names.ts';
import { watchStart } from '../watch-start.ts';
import { openDoor, readConfig, RunUnderWayError, withLock, type Door } from './context.ts';
import { mendEngine } from './dead-engine.ts';
import { isUnderWay } from './engine-upgrade.ts';
import { fail } from './fail.ts';

const ASK_SECONDS = 15;
const HANGS = 'Docker does not get ready';

/** `engine watch`: what is started with Docker. Sees that its start comes to an end; until then no other unit can. */
export async function watch(invocation: Invocation): Promise<ExitCode> {
  const door = openDoor(invocation.environment);
  try {
    await watchStart({
      start: async () => {
        const command = systemctlShow('docker.service', PROPERTIES_OF_START);
        const { stdout } = await exec(command, { timeoutSeconds: ASK_SECONDS });
        return { how: startOf(stdout, monotonicSeconds()), restarts: restartsIn(stdout) };
      },
      mend: () => mend(invocation, door),
      pause: (seconds) => wait(seconds * 1000, undefined, { signal: door.stop.signal() }),
    });
    return exitCodes.done;
  } catch (error) {
    // Docker may come and go with the host: nothing was begun.
    if (door.stop.requestedBy() !== undefined) return exitCodes.done;
    return fail(error, invocation, door);
  }
}

/** Nothing is done where another run is at work, or a change of the engine: who restarts Docker waits for it. */
async function mend(invocation: Invocation, door: Door): Promise<boolean> {
  if ((await isUnderWay()) || (await isLocked(invocation))) return true;
  const config = await readConfig(invocation);
  const state = openStateFiles(invocation.settings.stateDirectory);
  const isLatched = (await state.read(files.needsOperator)) !== undefined;
  if (config.engine.repair !== 'off' && !isLatched) {
    await mendEngine(invocation, door, { config, what: HANGS });
    return true;
  }
  const why = isLatched ? 'a person is waited for' : 'engine.repair is off';
  const log = createQuickLog({ stream: chooseStream(invocation.environment), debug: false });
  log.error(`${HANGS}, and nothing is done about it: ${why}; no update and no recovery can begin`);
  log.info('next: journalctl -u docker -n 50; orchestrator-update engine repair');
  await log.flush();
  return false;
}

async function isLocked(invocation: Invocation): Promise<boolean> {
  try {
    await withLock(invocation, async () => {});
    return false;
  } catch (error) {
    if (error instanceof RunUnderWayError) return true;
    throw error;
  }
}
