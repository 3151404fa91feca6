import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { readApproval, readAwaiting } from './approval-records.ts';
import { nothingWaits } from './approve.ts';
import { bring, isUnfinished, unlessMeant, type UpdateOptions } from './bring.ts';
import { bringImages } from './bring-images.ts';
import { heldBack, type HeldBack } from './schedule.ts';
import { stillBackingOff } from './retry.ts';
import { driftedServices } from './core/drift.ts';
import { currentCommit } from './detect.ts';
import { messageOf, RefusedError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import { liftImageQuarantine } from './image-records.ts';
import {
  atTip,
  heldByFailures,
  heldFor,
  heldByQuarantine,
  needsOperator,
  nothingToDo,
  short,
  type Outcome,
} from './outcome.ts';
import {
  liftQuarantine,
  readDeployed,
  readHold,
  readNeedsOperator,
  readQuarantine,
  writeDeployed,
} from './records.ts';
import { recover } from './recover.ts';
import { takeBaseline } from './verify.ts';

/** A branch that moves while it is applied is followed, but not for ever. */
const MAX_ROUNDS = 3;

/** One run of the updater, from top to bottom. */
export async function update(host: Host, config: Config, options: UpdateOptions): Promise<Outcome> {
  const latched = await readNeedsOperator(host.state);
  if (latched) return stillLatched(latched.reason, latched.transaction);
  const recovered = await recover(host, config);
  if (recovered?.result === 'needs operator') return recovered;
  if (recovered && host.interruptedBy() !== undefined) return recovered;

  let outcome = await followBranch(host, config, options);
  // What comes after what was approved was not: the next run meets it.
  if (options.approves !== undefined) return outcome;
  for (let round = 1; outcome.result === 'updated' && round < MAX_ROUNDS; round++) {
    if (host.interruptedBy() !== undefined) break;
    const next = await followBranch(host, config, {
      ...options,
      force: false,
      isAgain: !options.force,
    }).catch(async (error: unknown) => {
      if (await isUnfinished(host)) throw error;
      // The release that was just committed stays a success; the next run meets this again.
      host.log.warn(`the branch cannot be followed further now: ${messageOf(error)}`);
      return undefined;
    });
    if (next === undefined || next.result === 'nothing') break;
    outcome = next;
  }
  // Nothing new to do does not make a recovery that ended badly good.
  const isIdle = ['nothing', 'held', 'waiting'].includes(outcome.result);
  return recovered && recovered.exitCode !== exitCodes.done && isIdle ? recovered : outcome;
}

/** Brings the host to the tip of the deploy branch, if it is not there. */
async function followBranch(host: Host, config: Config, options: UpdateOptions): Promise<Outcome> {
  const tip = await host.git.fetch();
  const deployed = await readDeployed(host.state);
  const from = await currentCommit(host, deployed);
  const { approves } = options;
  const force = await isForced(host, tip, options);
  if (force) {
    await liftQuarantine(host.state, tip);
    await liftImageQuarantine(host.state);
  }
  const back = await keptBack(host, config, options);
  if (tip === from && !force) {
    const isKnown = deployed !== undefined;
    const brought = isKnown && !back ? await bringImages(host, config, tip, options) : undefined;
    if (brought) return brought;
    if (approves) return nothingWaits(approves, atTip(config, tip));
    return alreadyThere(host, config, tip, isKnown);
  }
  if (back) return heldFor(tip, back);
  const quarantined = (await readQuarantine(host.state)).find(({ commit }) => commit === tip);
  if (quarantined) {
    return unlessMeant(approves, heldByQuarantine(config.branch, tip, quarantined.reason));
  }

  const waits = options.isAutomatic && !force && (await stillBackingOff(host, tip));
  if (waits) return heldByFailures(short(tip), waits);
  return bring(host, config, { from, to: tip }, { ...options, force });
}

/** Who approves is told that it is kept back once it is approved. */
async function keptBack(
  host: Host,
  config: Config,
  { approves, isAutomatic }: UpdateOptions,
): Promise<HeldBack | undefined> {
  const hold = approves === undefined ? await readHold(host.state) : undefined;
  const windows = approves === undefined && isAutomatic;
  return heldBack(hold, config.schedule, { now: host.now(), isAutomatic: windows });
}

/** What was approved as `run --force` is that, also where the timer carries it out. */
async function isForced(
  host: Host,
  tip: string,
  { force, approves }: UpdateOptions,
): Promise<boolean> {
  if (force) return true;
  const allowed = await (approves ? readAwaiting(host.state) : readApproval(host.state));
  return allowed?.commit === tip && allowed.force;
}

/** The first look at a cluster takes what runs for the deployed release, and says what is wrong. */
async function alreadyThere(
  host: Host,
  config: Config,
  commit: string,
  isKnown: boolean,
): Promise<Outcome> {
  if (isKnown) return nothingToDo(atTip(config, commit));
  const staging = await host.git.stage(commit);
  const { model } = await host.compose.resolve(staging);
  await host.git.dropStagings();
  await refuseDifferent(host, commit, model);
  const { findings } = await takeBaseline(host, config, model);
  for (const { subject, problem } of findings) host.log.warn(`${subject} ${problem}`);
  const at = host.now().toISOString();
  await writeDeployed(host.state, { commit, at, repository: host.git.directory });
  return nothingToDo(
    `found ${config.project_name} at ${short(commit)}, the tip of ${config.branch}`,
  );
}

/** What does not run cannot be taken for deployed. */
async function refuseDifferent(host: Host, commit: string, model: ComposeModel): Promise<void> {
  const containers = await host.engine.containers();
  const missing = Object.keys(model.services).filter(
    (name) => !containers.some(({ service }) => service === name),
  );
  const drifted = driftedServices(model, await host.compose.hashes(model), containers);
  if (missing.length + drifted.length === 0) return;
  const what = [
    ...missing.map((name) => `${name} has no container`),
    ...drifted.map((name) => `${name} has other settings`),
  ];
  throw new RefusedError(
    `the cluster does not run what its work tree has at ${short(commit)}: ${what.join(', ')}`,
    `bring it up by hand (${host.compose.recipe()}), or have it done, verified: orchestrator-update run --force`,
  );
}

/** What a run says while an operator is needed; it changes nothing. */
export function stillLatched(reason: string, transaction: string): Outcome {
  const outcome = needsOperator(
    `an operator is needed, nothing was done: ${reason}`,
    'look with docker compose ps and logs; when the cluster is well: orchestrator-update acknowledge',
    transaction,
  );
  return { ...outcome, remindOf: `operator ${transaction}` };
}
