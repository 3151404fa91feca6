import { awaitApproval } from './approval.ts';
import { approve, type Approving } from './approve.ts';
import type { Config } from './config/schema.ts';
import { hasSameEffect } from './core/effect.ts';
import type { Plan } from './core/plan.ts';
import type { Proposal } from './detect.ts';
import { withEffects } from './effect.ts';
import {
  ChangedMeanwhileError,
  InvalidReleaseError,
  messageOf,
  OperatorError,
  RefusedError,
} from './errors.ts';
import type { Host } from './host/host.ts';
import { heldByQuarantine, short, type Outcome } from './outcome.ts';
import { preflight, refuseProblems } from './preflight.ts';
import { proposeUpdate, transactionName, type Goal } from './propose-update.ts';
import { quarantine, readQuarantine, type Quarantined } from './records.ts';
import { backOff } from './retry.ts';
import { localTime } from './schedule.ts';
import { files } from './state-names.ts';
import { transact } from './transact.ts';

/** How a run was begun, and what a person asked for. */
export interface UpdateOptions {
  /** Apply the tip again even if it is deployed, quarantined, or does not contain the old one. */
  readonly force: boolean;
  /** Started by the timer or another program: maintenance windows and freezes count. */
  readonly isAutomatic: boolean;
  /** Started by a person in a shell: only that, or an approval, begins an update under `mode: notify`. */
  readonly isInShell?: boolean;
  /** In another round of the same run: what was asked for at its start was asked. */
  readonly isAgain?: boolean;
  /** The plan that a person allows with it; nothing else is done then. */
  readonly approves?: Approving;
}

/** How long Docker may be away before an update is begun. */
const ENGINE_WAIT_SECONDS = 60;

/**
 * Brings a host where a run is to bring it. What fails without having touched anything is remembered, so that the timer
 * does not try it again at once.
 */
export async function bring(
  host: Host,
  config: Config,
  goal: Goal,
  options: UpdateOptions,
): Promise<Outcome> {
  try {
    return await planAndTransact(host, config, goal, options);
  } catch (error) {
    // What is unfinished is for the next run to see to, whatever it was.
    if (!(await isUnfinished(host))) await rememberFailure(host, goal, error);
    throw error;
  }
}

/** Plans, asks whether it may and can be done, and does it. */
async function planAndTransact(
  host: Host,
  config: Config,
  goal: Goal,
  { force, isInShell = false, approves }: UpdateOptions,
): Promise<Outcome> {
  await requireEngine(host);
  const { to: tip, moved } = goal;
  const id = transactionName(host.now(), tip);
  const asking = { force, isInShell, isApproving: approves !== undefined };
  const ask = (known: Proposal, areImagesHere: boolean): Promise<Outcome | undefined> =>
    awaitApproval(host, config, known, { ...asking, areImagesHere });
  const propose = async (): Promise<Outcome> => {
    const proposed = await proposeUpdate(host, config, { ...goal, id, force });
    const proposal = await withEffects(host, proposed);
    const same =
      force || moved !== undefined ? undefined : await quarantinedAlike(host, proposal.plan);
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

/** What is quarantined does not wait for approval: who approves it is refused. */
export function unlessMeant(approves: Approving | undefined, outcome: Outcome): Outcome {
  if (approves === undefined) return outcome;
  throw new RefusedError(outcome.summary, outcome.next ?? '');
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

/** Whether a transaction is open: neither release is known to stand. */
export async function isUnfinished(host: Host): Promise<boolean> {
  return (await host.state.read(files.active)) !== undefined;
}

/** What is tried, to tell it from anything else that is. */
export function goalName({ to, moved }: Goal): string {
  if (moved === undefined) return to;
  return `images ${moved
    .map(({ digest }) => digest)
    .toSorted()
    .join(' ')}`;
}

/** What cannot help is not tried again; what may help is, later and later. */
async function rememberFailure(host: Host, goal: Goal, error: unknown): Promise<void> {
  if (host.interruptedBy() !== undefined) return;
  const reason = messageOf(error);
  const { from, to: commit, moved } = goal;
  if (error instanceof InvalidReleaseError) {
    // What is deployed is not left for it.
    if (error.commit !== commit || from === commit) return;
    const at = host.now().toISOString();
    return quarantine(host.state, { commit, reason, at, transaction: '' });
  }
  // What the operator of this host has to mend is looked at again every time.
  if (error instanceof RefusedError && moved === undefined) return;
  try {
    const notBefore = await backOff(host, goalName(goal), reason);
    host.log.info(`the timer tries it again after ${localTime(notBefore)}`);
  } catch (problem) {
    host.log.warn(`it cannot be remembered that this failed: ${messageOf(problem)}`);
  }
}

/** A Docker that is only half there would make a healthy cluster look sick, and excuse a sick release. */
async function requireEngine(host: Host): Promise<void> {
  if (await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS)) return;
  throw new OperatorError(
    `Docker, or its containerd, has not answered for ${ENGINE_WAIT_SECONDS} s`,
    'systemctl status docker containerd; journalctl -u docker -u containerd -n 50',
  );
}
