import type { Invocation } from '../command-table.ts';
import { engineSchema } from '../config/engine-schema.ts';
import { HIGHEST_RUNG } from '../core/engine-ladder.ts';
import { refusalsOf } from '../core/engine-preflight.ts';
import { readEngineRequest, writeEngineOutcome, writeEngineRequest } from '../engine-request.ts';
import { messageOf } from '../errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { readFactsBefore } from '../host/engine-facts-before.ts';
import { createRepairHost, type RepairContext } from '../host/engine-repair.ts';
import { createUpgradeHost, type UpgradeContext } from '../host/engine-upgrade.ts';
import { chooseStream, createLog } from '../host/log.ts';
import { openStateFiles } from '../host/state-files.ts';
import { files } from '../state-names.ts';
import { repairEngine } from '../repair-engine.ts';
import { rollEngineBack, type EngineOutcome } from '../take-engine-back.ts';
import { recoverEngine, upgradeEngine } from '../upgrade-engine.ts';
import { openDoor, whenFree } from './context.ts';
import { exitCodeOf } from './engine-upgrade.ts';

/** `engine resume`: what the engine's unit runs. Sees to what was cut off, or does what it is asked. */
export async function resume(invocation: Invocation): Promise<ExitCode> {
  const { settings, environment } = invocation;
  const door = openDoor(environment);
  const log = await createLog({ stream: chooseStream(environment), debug: settings.debug });
  const state = openStateFiles(settings.stateDirectory);
  const request = await readEngineRequest(state);
  const engine = request?.engine ?? engineSchema.parse({});
  const repairContext: RepairContext = {
    socket: request?.socket ?? dockerSocket(environment),
    backupsDirectory: request?.backupsDirectory ?? '/nowhere',
    stateDirectory: settings.stateDirectory,
    state,
    log,
    isStopping: () => door.stop.requestedBy() !== undefined,
  };
  const context: UpgradeContext = {
    ...repairContext,
    startSeconds: engine.start_seconds,
    repair: () => climb(repairContext),
  };
  try {
    const outcome = await whenFree(invocation, log, () => carryOut(context, request, engine));
    await writeEngineOutcome(state, outcome);
    await state.remove(files.engineRequest);
    if (outcome.state === 'done') log.info(`engine: ${outcome.summary}`);
    else log.error(`engine: ${outcome.summary}`);
    return exitCodeOf[outcome.state];
  } finally {
    await log.flush();
  }
}

async function climb(context: RepairContext): Promise<readonly string[]> {
  const wish = { isDry: false, maxRung: HIGHEST_RUNG };
  const { state, complaints } = await repairEngine(createRepairHost(context), wish);
  return state === 'well' || state === 'repaired' ? [] : complaints;
}

async function mended(context: RepairContext, maxRung: number): Promise<EngineOutcome> {
  const wish = { isDry: false, maxRung };
  const { state, summary, complaints } = await repairEngine(createRepairHost(context), wish);
  const isWell = state === 'well' || state === 'repaired';
  const told = state === 'operator' ? 'operator' : 'aborted';
  return { state: isWell ? 'done' : told, summary, changes: [], problems: complaints };
}

async function carryOut(
  context: UpgradeContext,
  request: Awaited<ReturnType<typeof readEngineRequest>>,
  engine: ReturnType<typeof engineSchema.parse>,
): Promise<EngineOutcome> {
  const { state, log } = context;
  const host = createUpgradeHost(context);
  const wish = { settleSeconds: engine.settle_seconds, holdSeconds: engine.hold_seconds };
  const recovered = await recoverEngine(host, wish);
  if (recovered !== undefined) return recovered;
  if (request === undefined || request.isBegun) return untouched('it was cut off before it began');
  await writeEngineRequest(state, { ...request, isBegun: true });
  try {
    if (request.verb === 'repair') return await mended(context, engine.repair_max_rung);
    if (request.verb === 'rollback') return await rollEngineBack(host, wish);
    const facts = await readFactsBefore(context, request.to);
    const { changes } = facts.upgrade;
    const refusals = refusalsOf(facts, { backupHours: engine.backup_hours });
    if (refusals.length > 0) return untouched(refusals.map(({ why }) => why).join('; '));
    if (changes.length === 0) return { ...untouched('nothing newer'), state: 'done' };
    const { clients } = facts;
    return await upgradeEngine(host, {
      ...wish,
      changes,
      clients,
      liveRestore: engine.live_restore,
    });
  } catch (error) {
    log.error(`engine: ${messageOf(error)}`);
    return untouched(messageOf(error));
  }
}

function untouched(why: string): EngineOutcome {
  return {
    state: 'aborted',
    summary: `nothing of the engine was changed: ${why}`,
    changes: [],
    problems: [why],
  };
}
