import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import type { Plan } from './core/plan.ts';
import { awaitApproval } from './approval.ts';
import { readApproval, readAwaiting } from './approval-records.ts';
import { approve, nothingWaits, type Approving } from './approve.ts';
import { withEffects } from './effect.ts';
import { hasSameEffect } from './core/effect.ts';
import { heldBack, localTime } from './schedule.ts';
import { backOff, stillBackingOff } from './retry.ts';
import { driftedServices } from './core/drift.ts';
import { currentCommit, type Proposal } from './detect.ts';
import {
  ChangedMeanwhileError,
  InvalidReleaseError,
  messageOf,
  OperatorError,
  RefusedError,
} from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import {
  held,
  heldFor,
  heldByQuarantine,
  needsOperator,
  nothingToDo,
  short,
  type Outcome,
} from './outcome.ts';
import {
  liftQuarantine,
  quarantine,
  readDeployed,
  readHold,
  readNeedsOperator,
  readQuarantine,
  writeDeployed,
  type Quarantined,
} from './records.ts';
import { preflight, refuseProblems } from './preflight.ts';
import { proposeUpdate, transactionName } from './propose-update.ts';
import { recover } from './recover.ts';
import { transact } from './transact.ts';
import { files } from './state-names.ts';
import { takeBaseline } from './verify.ts';

/** What a person asked for. */
export interface UpdateOptions {
  /** Apply the tip again even if it is deployed, quarantined, or does not contain the old one. */
  readonly force: boolean;
  /** Started by the timer or another program: maintenance windows and freezes count. */
  readonly isAutomatic: boolean;
  /** Started by a person in a shell: only that, or an approval, begins an update under `mode: notify`. */
  readonly isInShell?: boolean;
  /** The plan that a person allows with it; nothing else is done then. */
  readonly approves?: Approving;
}

/** How long Docker may be away before an update is begun. */
const ENGINE_WAIT_SECONDS = 60;
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
    const next = await followBranch(host, config, { ...options, force: false }).catch(
      async (error: unknown) => {
        if (await isUnfinished(host)) throw error;
        // The release that was just committed stays a success; the next run meets this again.
        host.log.warn(`the branch cannot be followed further now: ${messageOf(error)}`);
        return undefined;
      },
    );
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
  if (force) await liftQuarantine(host.state, tip);
  if (tip === from && !force) {
    if (approves) return nothingWaits(approves, atTip(config, tip));
    return alreadyThere(host, config, tip, deployed !== undefined);
  }

  // Who approves is told that it is kept back once it is approved.
  const hold = approves === undefined ? await readHold(host.state) : undefined;
  const windows = approves === undefined && options.isAutomatic;
  const back = heldBack(hold, config.schedule, { now: host.now(), isAutomatic: windows });
  if (back) return heldFor(tip, back);
  const quarantined = (await readQuarantine(host.state)).find(({ commit }) => commit === tip);
  if (quarantined) {
    return unlessMeant(approves, heldByQuarantine(config.branch, tip, quarantined.reason));
  }

  const waits = options.isAutomatic && !force && (await stillBackingOff(host, tip));
  if (waits) return heldByFailures(tip, waits);
  try {
    return await bring(host, config, { from, to: tip }, { ...options, force });
  } catch (error) {
    // What is unfinished is for the next run to see to, whatever it was.
    if (!(await isUnfinished(host))) await rememberFailure(host, tip, error);
    throw error;
  }
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

/** What is quarantined does not wait for approval: who approves it is refused. */
function unlessMeant(approves: Approving | undefined, outcome: Outcome): Outcome {
  if (approves === undefined) return outcome;
  throw new RefusedError(outcome.summary, outcome.next ?? '');
}

/** Whether a transaction is open: neither release is known to stand. */
async function isUnfinished(host: Host): Promise<boolean> {
  return (await host.state.read(files.active)) !== undefined;
}

/** Plans, asks whether it may and can be done, and does it. */
async function bring(
  host: Host,
  config: Config,
  { from, to: tip }: { from: string; to: string },
  { force, isInShell = false, approves }: UpdateOptions,
): Promise<Outcome> {
  await requireEngine(host);
  const id = transactionName(host.now(), tip);
  const asking = { force, isInShell, isApproving: approves !== undefined };
  const ask = (known: Proposal, areImagesHere: boolean): Promise<Outcome | undefined> =>
    awaitApproval(host, config, known, { ...asking, areImagesHere });
  const propose = async (): Promise<Outcome> => {
    const proposed = await proposeUpdate(host, config, { from, to: tip, id, force });
    const proposal = await withEffects(host, proposed);
    const same = force ? undefined : await quarantinedAlike(host, proposal.plan);
    if (same) return unlessMeant(approves, await holdAlike(host, config, proposal.plan, same));
    for (const reason of proposal.plan.reasons) host.log.info(reason, { commit: tip });
    const { problems, warnings } = await preflight(host, config, proposal);
    for (const warning of [...proposal.plan.warnings, ...warnings])
      host.log.warn(warning, { commit: tip });
    refuseProblems(problems);
    return (
      (approves && (await approve(host, config, proposal, { ...approves, force }))) ??
      (await ask(proposal, false)) ??
      (await transact(host, config, proposal, { id, ask: (known) => ask(known, true) }))
    );
  };
  try {
    return await propose().catch((error: unknown) => {
      if (!(error instanceof ChangedMeanwhileError)) throw error;
      host.log.warn(`${error.message}; it is planned again`);
      return propose();
    });
  } finally {
    await host.git.dropStagings();
  }
}

/** A quarantined release that does just what this one does: a word in a README does not mend it. */
async function quarantinedAlike(host: Host, plan: Plan): Promise<Quarantined | undefined> {
  const effect = plan.effects?.to;
  if (effect === undefined || plan.verdict === 'nothing') return undefined;
  const all = await readQuarantine(host.state);
  return all.find((one) => one.effect !== undefined && hasSameEffect(one.effect, effect));
}

async function holdAlike(
  host: Host,
  config: Config,
  plan: Plan,
  same: Quarantined,
): Promise<Outcome> {
  const reason = `it does the same as ${short(same.commit)}: ${same.reason}`;
  // The next look needs no plan.
  await quarantine(host.state, { ...same, commit: plan.to, reason, at: host.now().toISOString() });
  return heldByQuarantine(config.branch, plan.to, reason);
}

/** What cannot help is not tried again; what may help is, later and later. */
async function rememberFailure(host: Host, commit: string, error: unknown): Promise<void> {
  if (host.interruptedBy() !== undefined) return;
  const reason = messageOf(error);
  if (error instanceof InvalidReleaseError) {
    if (error.commit !== commit) return;
    const at = host.now().toISOString();
    return quarantine(host.state, { commit, reason, at, transaction: '' });
  }
  // What the operator of this host has to mend is looked at again every time.
  if (error instanceof RefusedError) return;
  try {
    const notBefore = await backOff(host, commit, reason);
    host.log.info(`the timer tries it again after ${localTime(notBefore)}`);
  } catch (problem) {
    host.log.warn(`it cannot be remembered that this failed: ${messageOf(problem)}`);
  }
}

function heldByFailures(
  tip: string,
  { reason, failures, notBefore }: { reason: string; failures: number; notBefore: Date },
): Outcome {
  const times = failures === 1 ? 'once' : `${failures} times`;
  return held(
    `held: ${short(tip)} failed ${times} and is tried again after ${localTime(notBefore)}: ${reason}`,
    'orchestrator-update run    # tries it now',
  );
}

/** A Docker that is only half there would make a healthy cluster look sick, and excuse a sick release. */
async function requireEngine(host: Host): Promise<void> {
  if (await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS)) return;
  throw new OperatorError(
    `Docker, or its containerd, has not answered for ${ENGINE_WAIT_SECONDS} s`,
    'systemctl status docker containerd; journalctl -u docker -u containerd -n 50',
  );
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

const atTip = (config: Config, commit: string): string =>
  `${config.project_name} is at ${short(commit)}, the tip of ${config.branch}`;

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
