import type { Invocation } from '../command-table.ts';
import { engineSchema, type EngineConfig } from '../config/engine-schema.ts';
import { UNATTENDED_RUNG } from '../core/engine-ladder.ts';
import { refusalsOf } from '../core/engine-preflight.ts';
import {
  isToBeBegun,
  readEngineRequest,
  writeEngineOutcome,
  writeEngineRequest,
  type EngineRequest,
} from '../engine-request.ts';
import { isToBeUpgraded, rememberOutcome } from '../engine-by-itself.ts';
import { raiseEngineChange } from '../engine-notice.ts';
import { readEngineTransaction } from '../engine-records.ts';
import { InterruptedError, messageOf } from '../errors.ts';
import { hindranceIn } from '../hindrance.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { readBootId } from '../host/boot-id.ts';
import { readFactsBefore } from '../host/engine-facts-before.ts';
import { createRepairHost, type RepairContext } from '../host/engine-repair.ts';
import { createUpgradeHost, type UpgradeContext } from '../host/engine-upgrade.ts';
import { exec } from '../host/exec.ts';
import { chooseStream, createLog } from '../host/log.ts';
import type { UpgradeHost } from '../host/upgrade-host.ts';
import { openStateFiles } from '../host/state-files.ts';
import { files } from '../state-names.ts';
import { repairEngine, rungOfIncident } from '../repair-engine.ts';
import { engineEvent, type EngineOutcome } from '../engine-outcome.ts';
import { rollEngineBack } from '../take-engine-back.ts';
import { recoverEngine, upgradeEngine } from '../upgrade-engine.ts';
import { openDoor, readConfig, whenFree, type Door } from './context.ts';
import { mendedEngine } from './mended-engine.ts';
import { openRepairCluster } from './repair-cluster.ts';
import { exitCodeOf } from './engine-upgrade.ts';

const BACKUP_SECONDS = 86_400;

/** `engine resume`: what the engine's unit runs. Sees to what was cut off, or does what it is asked. */
export async function resume(invocation: Invocation): Promise<ExitCode> {
  const { settings, environment } = invocation;
  const door = openDoor(environment);
  const log = await createLog({ stream: chooseStream(environment), debug: settings.debug });
  const state = openStateFiles(settings.stateDirectory);
  // What cannot be read is as if nothing had been asked; what was cut off is seen to all the same.
  const request = await readEngineRequest(state).catch(() => undefined);
  const engine = request?.engine ?? engineSchema.parse({});
  const repairContext: RepairContext = {
    socket: request?.socket ?? dockerSocket(environment),
    backupsDirectory: request?.backupsDirectory ?? (await backupsConfigured(invocation)),
    stateDirectory: settings.stateDirectory,
    state,
    log,
    isStopping: () => door.stop.requestedBy() !== undefined,
    cluster: openRepairCluster(invocation, door),
  };
  const context: UpgradeContext = {
    ...repairContext,
    startSeconds: engine.start_seconds,
    repair: () => climb(repairContext),
  };
  try {
    const isCutOff = (await state.read(files.engineTransaction)) !== undefined;
    const isCheck = request?.verb === 'check' && !isCutOff;
    const wanted = isCheck ? await checked(context, request, door) : request;
    if (isCheck && wanted === undefined) return exitCodes.done;
    await raiseEngineChange(state, wanted?.verb ?? (isCutOff ? 'upgrade' : undefined));
    const outcome = await underLock(invocation, context, () => carryOut(context, wanted, engine));
    await rememberOutcome(state, outcome, request?.verb);
    await writeEngineOutcome(state, outcome);
    const event = engineEvent(outcome, request?.verb);
    if (outcome.state === 'done') log.info(`engine: ${outcome.summary}`, { event });
    else log.error(`engine: ${outcome.summary}`, { event });
    return exitCodeOf[outcome.state];
  } finally {
    // What is unfinished is gone on with as it was asked; nothing else is to be begun at another time.
    if ((await state.read(files.engineTransaction)) === undefined) {
      await state.remove(files.engineRequest);
    }
    await log.flush();
  }
}

/** Without the lock nothing is begun: who has asked, and who is told, hear that. @throws why it was not to be had */
async function underLock(
  invocation: Invocation,
  { state, log }: UpgradeContext,
  act: () => Promise<EngineOutcome>,
): Promise<EngineOutcome> {
  let isBegun = false;
  try {
    return await whenFree(invocation, log, () => {
      isBegun = true;
      return act();
    });
  } catch (error) {
    if (isBegun) throw error;
    const why = messageOf(error);
    const isCutOff = (await state.read(files.engineTransaction)) !== undefined;
    const summary = `a change of the engine is unfinished, and could not be gone on with: ${why}`;
    const interrupted = { state: 'interrupted', summary, changes: [], problems: [why] } as const;
    await writeEngineOutcome(state, isCutOff ? interrupted : untouched(why));
    throw error;
  }
}

/** What was asked at another time is gone with a reboot; what cannot be read keeps nothing from being seen to. */
async function backupsConfigured(invocation: Invocation): Promise<string> {
  return readConfig(invocation).then(
    ({ backups_dir: directory }) => directory,
    () => '/nowhere',
  );
}

/** What comes of a look at what can be had: an upgrade that is asked for, or nothing. */
async function checked(
  context: UpgradeContext,
  request: EngineRequest,
  { stop }: Door,
): Promise<EngineRequest | undefined> {
  if (!isToBeBegun(request, new Date(), await readBootId())) return undefined;
  if (!(await wantsUpgrade(context, request))) return undefined;
  // An upgrade wants a backup that is young, and nobody is there to be asked for one.
  const [, program = ''] = process.argv;
  const backUp = {
    file: process.execPath,
    args: [...process.execArgv, program, 'backup', 'create'],
  };
  const signal = stop.signal();
  await exec(backUp, { timeoutSeconds: BACKUP_SECONDS, ...(signal ? { signal } : {}) });
  // That may have taken hours.
  if (!(await wantsUpgrade(context, request))) return undefined;
  const upgrade = { ...request, verb: 'upgrade', at: new Date().toISOString() } as const;
  await writeEngineRequest(context.state, upgrade);
  return upgrade;
}

async function wantsUpgrade(context: UpgradeContext, request: EngineRequest): Promise<boolean> {
  const { state, log } = context;
  const facts = await readFactsBefore(context, undefined);
  // The backup is made for it.
  const [refusal] = refusalsOf({ ...facts, backup: { name: '', ageHours: 0 } }, { backupHours: 1 });
  const { changes } = facts.upgrade;
  if (!(await isToBeUpgraded({ state, log, now: new Date() }, changes, request.engine))) {
    return false;
  }
  if (refusal !== undefined)
    log.warn(`engine: not upgraded: ${refusal.why}; next: ${refusal.next}`);
  return refusal === undefined;
}

async function climb(context: RepairContext): Promise<readonly string[]> {
  // Nobody is there to be asked for what is higher.
  const wish = { isDry: false, maxRung: UNATTENDED_RUNG };
  const { state, complaints } = await repairEngine(createRepairHost(context), wish);
  return state === 'well' || state === 'repaired' ? [] : complaints;
}

async function carryOut(
  context: UpgradeContext,
  request: EngineRequest | undefined,
  engine: EngineConfig,
): Promise<EngineOutcome> {
  const host = createUpgradeHost(context);
  const wish = { settleSeconds: engine.settle_seconds, holdSeconds: engine.hold_seconds };
  try {
    const recovered = await recoverEngine(host, wish);
    const isAsked = request && isToBeBegun(request, host.now(), await host.bootId());
    if (recovered !== undefined) return isAsked ? withoutRequest(recovered) : recovered;
    const rung = await rungOfIncident(host);
    if (rung !== undefined && !(await host.isLatched())) {
      const outcome = await mendedEngine(context, rung);
      return isAsked && request.verb !== 'repair' ? withoutRequest(outcome) : outcome;
    }
    if (!isAsked) return untouched('nothing is asked for, or it was cut off before it began');
    await writeEngineRequest(context.state, { ...request, isBegun: true });
    return await begin(context, host, request);
  } catch (error) {
    return unfinished(host, error);
  }
}

async function begin(
  context: UpgradeContext,
  host: UpgradeHost,
  { verb, to, engine, isStuck }: EngineRequest,
): Promise<EngineOutcome> {
  const wish = { settleSeconds: engine.settle_seconds, holdSeconds: engine.hold_seconds };
  if (verb === 'repair') return mendedEngine(context, engine.repair_max_rung, isStuck);
  if (verb === 'rollback') {
    const hindrance = await hindranceIn(context.state);
    return hindrance === undefined ? rollEngineBack(host, wish) : untouched(hindrance);
  }
  const { upgrade, clients, ...facts } = await readFactsBefore(context, to);
  const { changes } = upgrade;
  const limits = { backupHours: engine.backup_hours };
  const [refusal] = refusalsOf({ ...facts, upgrade, clients }, limits);
  if (refusal !== undefined) return untouched(refusal.why);
  if (changes.length === 0) return { ...untouched('nothing newer'), state: 'done' };
  return upgradeEngine(host, { ...wish, changes, clients, liveRestore: engine.live_restore });
}

/** What has failed before anything was touched; or after, and then it is gone on with. */
async function unfinished(host: UpgradeHost, error: unknown): Promise<EngineOutcome> {
  const why = messageOf(error);
  if (await isUntouched(host)) return untouched(why);
  if (error instanceof InterruptedError) {
    const summary =
      'a change of the engine was interrupted; systemctl start orchestrator-engine, or the next boot, goes on';
    return { state: 'interrupted', summary, changes: [], problems: [why] };
  }
  const summary = `a change of the engine is unfinished: ${why}`;
  await host.latch(summary);
  return { state: 'operator', summary, changes: [], problems: [why] };
}

function isUntouched({ state }: UpgradeHost): Promise<boolean> {
  return readEngineTransaction(state).then(
    (transaction) => transaction === undefined,
    () => false,
  );
}

function withoutRequest(outcome: EngineOutcome): EngineOutcome {
  if (outcome.state === 'operator') return outcome;
  const more =
    'that was left of an earlier change; what was asked for now was not begun: ask again';
  return { ...outcome, state: 'aborted', summary: `${outcome.summary}; ${more}` };
}

function untouched(why: string): EngineOutcome {
  return {
    state: 'aborted',
    summary: `nothing of the engine was changed: ${why}`,
    changes: [],
    problems: [why],
  };
}
