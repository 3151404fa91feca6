import { startEngineUnitLater } from '../argv/engine-upgrade.ts';
import type { Invocation } from '../command-table.ts';
import { askForEngine } from '../engine-request.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { exec } from '../host/exec.ts';
import { openStateFiles } from '../host/state-files.ts';
import { readConfig } from './context.ts';
import { isUnderWay } from './engine-upgrade.ts';

const ASK_SECONDS = 15;

/** Has the engine's unit look for a newer engine, and do what is configured about it; nobody waits for that. */
export async function askForCheck(invocation: Invocation): Promise<void> {
  // It looks by itself at what was asked before.
  if (await isUnderWay()) return;
  const { settings, environment } = invocation;
  const config = await readConfig(invocation);
  await askForEngine(openStateFiles(settings.stateDirectory), {
    verb: 'check',
    engine: config.engine,
    backupsDirectory: config.backups_dir,
    socket: dockerSocket(environment),
  });
  await exec(startEngineUnitLater, { timeoutSeconds: ASK_SECONDS });
}
