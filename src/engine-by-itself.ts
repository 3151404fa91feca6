import { z } from 'zod';
import { decide, upgradeText, type EngineCheck } from './core/engine-mode.ts';
import { reversed } from './core/engine-transaction.ts';
import { sameChanges, type PackageChange } from './core/engine-upgrade.ts';
import { raiseNewerEngine } from './engine-notice.ts';
import { changesSchema, readIfWhole } from './engine-records.ts';
import type { EngineConfig } from './config/engine-schema.ts';
import { CUT_OFF, type EngineOutcome } from './engine-outcome.ts';
import type { StateHost } from './host/host.ts';
import type { Log } from './host/log.ts';
import { heldBack } from './schedule.ts';
import { files } from './state-names.ts';

const failedSchema = z.object({ changes: changesSchema, reason: z.string() });
const checkSchema = z.object({
  atMs: z.number(),
  isWaiting: z.boolean(),
  changes: changesSchema,
});

/** The last look at what can be had; what cannot be read is as if nobody had looked. */
export function readEngineCheck(state: StateHost): Promise<EngineCheck | undefined> {
  return readIfWhole(state, files.engineCheck, checkSchema);
}

/**
 * What the timer has to know of how a change ended. An upgrade that did not work here, or that a person took back, is
 * left alone until something else can be had.
 */
export async function rememberOutcome(
  state: StateHost,
  outcome: EngineOutcome,
  verb: 'upgrade' | 'rollback' | 'repair' | 'check' | undefined,
): Promise<void> {
  // What could be had before is not what can be had now.
  if (outcome.state === 'done' && verb !== 'repair') await state.remove(files.engineCheck);
  if (outcome.state === 'done' && verb === 'rollback') {
    const changes = reversed(outcome.changes);
    await rememberFailed(state, { ...outcome, changes, problems: ['a person took it back'] });
  }
  if (outcome.state === 'taken back') await rememberFailed(state, outcome);
}

async function rememberFailed(state: StateHost, outcome: EngineOutcome): Promise<void> {
  const { changes, problems } = outcome;
  // A kill or a power cut says nothing of the new engine.
  if (problems[0]?.startsWith(CUT_OFF) === true) return;
  const text = JSON.stringify({ changes, reason: problems[0] ?? '' });
  await state.write(files.engineFailed, `${text}\n`);
}

async function failedWith(
  state: StateHost,
  changes: readonly PackageChange[],
): Promise<string | undefined> {
  const failed = await readIfWhole(state, files.engineFailed, failedSchema);
  return failed && sameChanges(failed.changes, changes) ? failed.reason : undefined;
}

/**
 * What the timer does about what can be had; says it where it is left to a person.
 *
 * @returns whether it is to be upgraded now
 */
export async function isToBeUpgraded(
  { state, log, now }: { readonly state: StateHost; readonly log: Log; readonly now: Date },
  changes: readonly PackageChange[],
  { mode, windows }: EngineConfig,
): Promise<boolean> {
  const decision = decide(mode, changes);
  const closed = heldBack(undefined, { windows, freezes: [] }, { now, isAutomatic: true });
  const failed = await failedWith(state, changes);
  const isWaiting = decision === 'upgrade' && failed === undefined && closed !== undefined;
  const check: EngineCheck = { atMs: now.getTime(), isWaiting, changes };
  await state.write(files.engineCheck, `${JSON.stringify(check)}\n`);
  if (decision === 'nothing') return false;
  const text = `engine: ${upgradeText(changes)}`;
  const type = 'orchestrator-update engine upgrade';
  if (decision === 'tell') await raiseNewerEngine(state, { text, type, now });
  if (decision === 'tell') log.warn(`${text} can be had: ${type}`);
  else if (failed !== undefined)
    log.warn(`${text} is not tried again, it failed: ${failed}; by hand: ${type}`);
  else if (closed !== undefined) log.info(`${text} waits: ${closed.why}`);
  else return true;
  return false;
}
