import {
  identify,
  judgePlan,
  lookThenApprove,
  recordOf,
  refusedByPolicy,
  tell,
} from './approval.ts';
import type { Identity } from './approval.ts';
import { readAwaiting, writeApproval, type Awaiting } from './approval-records.ts';
import type { Config } from './config/schema.ts';
import { changeText, imagesText } from './core/moved-image.ts';
import type { Plan } from './core/plan.ts';
import { differencesBetween } from './core/terms.ts';
import type { Proposal } from './detect.ts';
import { withDigests } from './digests.ts';
import { RefusedError } from './errors.ts';
import type { Host } from './host/host.ts';
import { held, nothingToDo, short, type Outcome } from './outcome.ts';
import { readHold } from './records.ts';
import { heldBack } from './schedule.ts';

/** What a person has typed to have an update applied. */
export interface Approving {
  /** The ID of a plan, its hash, or the beginning of its commit; undefined: what waits. */
  readonly wanted: string | undefined;
  /** Also outside of maintenance windows, and in a freeze. */
  readonly isNow: boolean;
  /** Who. */
  readonly by: string;
}

/**
 * Takes a person's word that this plan may be carried out, if it is the one they mean. It is on the disk before
 * anything is done: where this run is cut off, the next one of the timer carries it out.
 *
 * @param proposal with its effects
 * @returns undefined when it is to be carried out now; else what keeps it back
 * @throws {RefusedError} that says what differs, when what they mean is not what would be done now
 */
export async function approve(
  host: Host,
  config: Config,
  proposal: Proposal,
  { wanted, isNow, by, force }: Approving & { readonly force: boolean },
): Promise<Outcome | undefined> {
  const { action, because } = judgePlan(config, proposal.plan);
  if (action === 'refuse') throw refusedByPolicy(proposal.plan, because);
  const plan = await withDigests(host, proposal);
  const told = await readAwaiting(host.state);
  const now = identify(plan, told);
  if (!isMeant(plan, { wanted, told, now })) {
    const waits = action === 'approve' || config.mode === 'notify';
    const reasons = because.length > 0 ? because : [`mode: ${config.mode}`];
    if (waits) await tell(host, plan, { because: reasons, force });
    throw notWhatWaits(plan, { wanted, told, now });
  }
  const at = host.now();
  await writeApproval(host.state, {
    ...recordOf(now, { because, at: at.toISOString(), force }),
    by,
  });
  await tell(host, plan, { because, force });
  const { id } = now;
  const what = (because.length > 0 ? because : plan.reasons).join('; ');
  host.log.info(`${by} approves ${id}: ${changeText(plan)}: ${what}`);
  const hold = await readHold(host.state);
  const back = heldBack(hold, config.schedule, { now: at, isAutomatic: !isNow });
  if (back === undefined) return undefined;
  const isHeld = back.heldSince !== undefined;
  const outcome = held(
    `held: ${plan.moved === undefined ? short(plan.to) : imagesText(plan.moved)} is approved (${id}), and the timer applies it when it may: ${back.why}`,
    isHeld ? back.next : `orchestrator-update approve ${id} --now    # applies it at once`,
  );
  return { ...outcome, from: plan.from, to: plan.to, approvalId: id };
}

/** What a person types for a commit. */
const COMMIT_START = /^[0-9a-f]{4,40}$/;

/** What is compared: what a person typed, what they were told of last, and what would be done now. */
interface Meant {
  readonly wanted: string | undefined;
  readonly told: Awaiting | undefined;
  readonly now: Identity;
}

/** Whether a person who has looked at what waits means the plan that was made just now. */
function isMeant(plan: Plan, { wanted, told, now }: Meant): boolean {
  const isAsTold = told?.hash === now.hash;
  if (wanted === undefined) return isAsTold;
  if (names(wanted, now)) return true;
  // No other name of git's: a branch means what it means at this moment.
  const isCommit = COMMIT_START.test(wanted) && plan.to.startsWith(wanted);
  // Of the same commit they were told otherwise: an image has moved, or the host is not as it was.
  return isCommit && (isAsTold || told?.commit !== plan.to);
}

/** Whether what was typed is the ID, or as many more digits of the hash as anybody likes. */
export function names(wanted: string, { id, hash }: Pick<Identity, 'id' | 'hash'>): boolean {
  return wanted.length >= id.length && hash.startsWith(wanted.toLowerCase());
}

function notWhatWaits(plan: Plan, { wanted, told, now }: Meant): RefusedError {
  const isOfTold =
    told !== undefined &&
    (wanted === undefined || names(wanted, told) || told.commit.startsWith(wanted));
  const differs = isOfTold ? differencesBetween(told, now.terms) : [];
  const what = `${now.id}, ${changeText(plan)}`;
  const why = differs.length > 0 ? `: ${differs.join('; ')}` : '';
  if (wanted === undefined && told === undefined) {
    return new RefusedError(
      `nobody was told yet of what waits now, which is ${what}; nothing was approved`,
      lookThenApprove(now.id),
    );
  }
  return new RefusedError(
    `${wanted ?? told?.id ?? ''} is not what waits now, which is ${what}${why}; nothing was approved`,
    lookThenApprove(now.id),
  );
}

/** The branch is where the host is: there is nothing that could be approved. */
export function nothingWaits({ wanted }: Approving, where: string): Outcome {
  if (wanted === undefined) return nothingToDo(`nothing waits for approval: ${where}`);
  throw new RefusedError(
    `${wanted} is not what waits: nothing does, ${where}`,
    'orchestrator-update status; orchestrator-update history',
  );
}
