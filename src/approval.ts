import { createHash } from 'node:crypto';
import { readApproval, readAwaiting, writeAwaiting, type Awaiting } from './approval-records.ts';
import type { Config } from './config/schema.ts';
import { changeText, imagesText } from './core/moved-image.ts';
import type { Plan } from './core/plan.ts';
import { inMode, judge, type Judgement } from './core/policy.ts';
import {
  differencesBetween,
  hashOf,
  idOf,
  termsOf,
  withDigestsOf,
  type Terms,
} from './core/terms.ts';
import type { Proposal } from './detect.ts';
import { withDigests, withDigestsHere } from './digests.ts';
import { RefusedError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import { short, type Outcome } from './outcome.ts';

/** A plan as it can be told from any other. */
export interface Identity {
  /** What a person types. */
  readonly id: string;
  /** SHA-256 of the terms. */
  readonly hash: string;
  readonly terms: Terms;
}

/** How a run was begun, as far as approvals care. */
export interface Asking {
  readonly force: boolean;
  /** By a person in a shell: `mode: notify` is about everybody else. */
  readonly isInShell: boolean;
  /** With a person's approval: nothing but what they have approved is carried out, also where nobody needs to. */
  readonly isApproving: boolean;
}

/** What the operator's policy and mode make of a plan; nothing to apply is nothing to judge. */
export function judgePlan(config: Config, plan: Plan): Judgement {
  if (plan.verdict === 'nothing') return { action: 'apply', because: [] };
  return inMode(config.mode, judge(config.policy, plan.risk, plan.risks));
}

/** The error that says what the policy forbids. */
export function refusedByPolicy(plan: Plan, because: readonly string[]): RefusedError {
  return new RefusedError(
    `the policy of this host refuses ${short(plan.to)}: ${because.join('; ')}`,
    'push a release without it, or allow it under `policy` in the configuration',
  );
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Tells a plan from any other. A digest that a registry does not tell at this moment is taken for the one that was
 * told of: the pull shows whether it is.
 *
 * @param plan with its effects and digests
 * @param told what was told of, or approved, last
 */
export function identify(plan: Plan, told: Awaiting | undefined): Identity {
  const terms = termsOf(plan);
  const filled = told === undefined ? terms : withDigestsOf(told, terms);
  if (told !== undefined && hashOf(filled, sha256) === told.hash) {
    return { id: told.id, hash: told.hash, terms: filled };
  }
  const hash = hashOf(terms, sha256);
  return { id: idOf(hash, told?.hash), hash, terms };
}

/**
 * Holds a plan that a person has to approve first, and refuses one that the policy forbids; under `mode: notify`
 * it holds what nobody started in a shell. Nothing was touched. An approval is for one plan: when anything of it
 * has changed, it is asked for again. That is asked before anything is begun, and once the images are here: some
 * risks show only then, and a name may mean another image since its registry was asked.
 *
 * @param proposal with its effects
 * @returns undefined when the plan may be carried out
 */
export async function awaitApproval(
  host: Host,
  config: Config,
  proposal: Proposal,
  asking: Asking & { readonly areImagesHere: boolean },
): Promise<Outcome | undefined> {
  const { action, because } = judgePlan(config, proposal.plan);
  if (action === 'refuse') throw refusedByPolicy(proposal.plan, because);
  const isOnlyTold = config.mode === 'notify' && !asking.isInShell && action === 'apply';
  if (action === 'apply' && !isOnlyTold && !asking.isApproving) return undefined;
  const approval = await readApproval(host.state);
  const plan = asking.areImagesHere
    ? await withDigestsHere(host, proposal, approval?.digests ?? {})
    : await withDigests(host, proposal);
  if (approval !== undefined && identify(plan, approval).hash === approval.hash) {
    const what = because.length > 0 ? `: ${because.join('; ')}` : '';
    if (!asking.areImagesHere)
      host.log.info(`approved at ${approval.at} by ${approval.by}${what}`, { commit: plan.to });
    return undefined;
  }
  const why = isOnlyTold ? ['mode: notify'] : because;
  const told = await tell(host, plan, { because: why, force: asking.force });
  const differs = approval === undefined ? [] : differencesBetween(approval, told);
  const again = differs.length > 0 ? `; not as it was approved: ${differs.join('; ')}` : '';
  const what = isOnlyTold
    ? `an update is available: ${changeText(plan)}: ${plan.reasons.join('; ')}`
    : `an update waits for approval: ${changeText(plan)}: ${(why.length > 0 ? why : plan.reasons).join('; ')}`;
  return waiting(plan, told, `${what}${again}`);
}

/** What a record says of a plan beside what it is. */
interface Told {
  readonly because: readonly string[];
  /** Planned as `run --force` does. */
  readonly force: boolean;
}

/**
 * Remembers which plan waits, so that a person can approve it and no other. What a person has asked for with
 * `run --force` stays what waits until the branch, or the host, has moved.
 *
 * @returns what waits
 */
export async function tell(host: Host, plan: Plan, told: Told): Promise<Awaiting> {
  const before = await readAwaiting(host.state);
  const isSameMove = before?.from === plan.from && before.commit === plan.to;
  if (isSameMove && before.force && !told.force) return before;
  const identity = identify(plan, before);
  // Since when it waits stays what it was.
  const at = before?.hash === identity.hash ? before.at : host.now().toISOString();
  const awaiting = recordOf(identity, { ...told, at });
  await writeAwaiting(host.state, awaiting);
  return awaiting;
}

/** A plan as its record has it. */
export function recordOf(
  { id, hash, terms }: Identity,
  { because, force, at }: Told & Pick<Awaiting, 'at'>,
): Awaiting {
  return { id, hash, ...terms, because, at, force };
}

/** What a person types to look, and then to allow it. */
export const lookThenApprove = (id: string): string =>
  `orchestrator-update plan    # look; then: orchestrator-update approve ${id}`;

/** What a person was told of waits on; it is not planned again. */
export function stillWaiting(told: Awaiting): Outcome {
  const images = told.moved === undefined ? short(told.commit) : imagesText(told.moved);
  const what = `an update waits for approval: ${images}: ${told.because.join('; ')}`;
  return waiting({ from: told.from, to: told.commit }, told, what);
}

function waiting(
  { from, to }: Pick<Plan, 'from' | 'to'>,
  { id, hash }: Awaiting,
  summary: string,
): Outcome {
  return {
    result: 'waiting',
    exitCode: exitCodes.waiting,
    summary,
    next: lookThenApprove(id),
    from,
    to,
    approvalId: id,
    remindOf: `approval ${hash}`,
  };
}
