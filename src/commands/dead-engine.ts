import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ENGINE_UNIT, resetEngineUnit, startEngineUnit } from '../argv/engine-upgrade.ts';
import { systemctlShow, whenDockerStarted } from '../argv/systemctl.ts';
import type { Invocation } from '../command-table.ts';
import { isDead, isLeftByRepair, PROPERTIES_OF_DEATH } from '../core/dead-engine.ts';
import type { Config } from '../config/schema.ts';
import { PROPERTIES_OF_START, startOf } from '../core/engine-start.ts';
import { askForEngine, readEngineOutcome } from '../engine-request.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { answers } from '../host/engine-pulse.ts';
import { exec } from '../host/exec.ts';
import { monotonicSeconds } from '../host/monotonic.ts';
import { chooseStream, createLog } from '../host/log.ts';
import { openStateFiles } from '../host/state-files.ts';
import { rungOfIncident } from '../repair-engine.ts';
import { files } from '../state-names.ts';
import { readConfig, withLock, type Door } from './context.ts';
import { refuseOthers } from './engine-repair.ts';
import { isUnderWay } from './engine-upgrade.ts';
import { whileExtended } from './engine-first.ts';

const ASK_SECONDS = 15;
const TRIES = 4;
const BETWEEN_TRIES_MS = 5000;
const UNIT_SECONDS = 3600;
const TRIED_MS = 30_000;
const BETWEEN_LOOKS_MS = 1000;

/**
 * Has the engine's unit mend a Docker that died, or hangs: no update and no recovery can be had without it. One that a
 * person stopped is left alone; one that a repair of ours has stopped before it was cut off is not, nor one that answers and has lost
 * what it says it restarts. What comes of it, the run that follows finds out by itself.
 *
 * @throws {RunUnderWayError} where another run is at work, which may be restarting it
 */
export async function mendDeadEngine(invocation: Invocation, door: Door): Promise<void> {
  const { settings, environment } = invocation;
  const config = await readConfig(invocation);
  const state = openStateFiles(settings.stateDirectory);
  if (config.engine.repair === 'off') return;
  await withLock(invocation, async () => {});
  const latched = await state.read(files.needsOperator);
  if (latched !== undefined || (await isUnderWay())) return;
  const isDeadOrStopped =
    (await isDeadNow(dockerSocket(environment))) ||
    (await wasStoppedByRepair(settings.stateDirectory));
  const isStuck = (await state.read(files.engineStuck)) !== undefined;
  // Once, whatever comes of it.
  if (isStuck) await state.remove(files.engineStuck);
  const isCutOff = (await rungOfIncident({ state })) !== undefined;
  if (isDeadOrStopped) await mendEngine(invocation, door, { config, what: 'Docker is dead' });
  else if (isStuck) {
    await mendEngine(invocation, door, { config, what: 'Docker has lost containers', isStuck });
  } else if (isCutOff) {
    await mendEngine(invocation, door, { config, what: 'a repair of Docker was cut off' });
  }
}

/** What is to be mended, and how. */
interface BrokenEngine {
  readonly config: Config;
  /** What is wrong with it. */
  readonly what: string;
  /** It answers, and is to be looked at all the same. */
  readonly isStuck?: boolean;
}

/**
 * Has the engine's unit mend a broken Docker, and says what came of it.
 *
 * @throws {RefusedError} where no package of this host has brought it
 */
export async function mendEngine(
  { settings, environment }: Invocation,
  door: Door,
  { config, what, isStuck = false }: BrokenEngine,
): Promise<void> {
  const state = openStateFiles(settings.stateDirectory);
  await refuseOthers();
  const log = await createLog({ stream: chooseStream(environment), debug: settings.debug });
  try {
    log.warn(`${what}: engine repair is done first; journalctl -u orchestrator-engine`);
    await askForEngine(state, {
      verb: 'repair',
      isStuck,
      engine: config.engine,
      backupsDirectory: config.backups_dir,
      socket: dockerSocket(environment),
    });
    await exec(resetEngineUnit, { timeoutSeconds: ASK_SECONDS, accept: [1] });
    await whileExtended(door, 'Docker is mended', () =>
      exec(startEngineUnit, { timeoutSeconds: UNIT_SECONDS, accept: [1, 5] }),
    );
    const outcome = await readEngineOutcome(state);
    log.warn(`engine repair: ${outcome?.summary ?? `did not end; journalctl -u ${ENGINE_UNIT}`}`);
  } finally {
    await log.flush();
  }
}

async function isDeadNow(socket: string): Promise<boolean> {
  await untilTried();
  const docker = await show('docker.service', PROPERTIES_OF_DEATH);
  const isDeadAsShown = isDead(docker, await show('docker.socket', ['ActiveState']), false);
  if (!/^ActiveState=active$/m.test(docker)) return isDeadAsShown;
  // One that is busy may be slow; and not every one says in the usual place which process it is.
  for (let tries = 1; tries <= TRIES; tries++) {
    if (await answers(socket)) return false;
    await wait(BETWEEN_TRIES_MS);
  }
  return isDeadAsShown;
}

/** One that has just died, systemd starts again, some times: that takes seconds, and the next run may be an hour away. */
async function untilTried(): Promise<void> {
  for (let waitedMs = 0; waitedMs < TRIED_MS; waitedMs += BETWEEN_LOOKS_MS) {
    const shown = await show('docker.service', PROPERTIES_OF_START);
    if (startOf(shown, monotonicSeconds()) !== 'waiting') return;
    await wait(BETWEEN_LOOKS_MS);
  }
}

async function show(unit: string, properties: readonly string[]): Promise<string> {
  return (await exec(systemctlShow(unit, properties), { timeoutSeconds: ASK_SECONDS })).stdout;
}

async function wasStoppedByRepair(stateDirectory: string): Promise<boolean> {
  const incident = await stat(join(stateDirectory, files.engineIncident)).catch(() => undefined);
  if (incident === undefined) return false;
  const { stdout } = await exec(whenDockerStarted, { timeoutSeconds: ASK_SECONDS });
  return isLeftByRepair(stdout, incident.mtimeMs / 1000);
}
