import { lookThenApprove } from '../approval.ts';
import { readApproval, readAwaiting } from '../approval-records.ts';
import type { StateHost } from '../host/host.ts';
import { short } from '../outcome.ts';

/** What `status` tells of the plan that waits for a person, or that one has approved. */
export interface ApprovalStatus {
  /** What a person types. */
  readonly id: string;
  readonly hash: string;
  readonly commit: string;
  /** Since when a person is waited for: ISO 8601, UTC. */
  readonly since: string;
  readonly because: readonly string[];
  /** By whom, and when, in the same way; null where nobody has. */
  readonly approved: { readonly by: string; readonly at: string } | null;
  /** What to type. */
  readonly next: string;
}

/**
 * As the last run, or the last `approve`, has left it; null where that was about another move than this one, which is
 * what would be made now.
 */
export async function approvalStatus(
  state: StateHost,
  { from, to }: { readonly from: string | undefined; readonly to: string | undefined },
): Promise<ApprovalStatus | null> {
  const [approval, told] = [await readApproval(state), await readAwaiting(state)];
  const isApproved = approval !== undefined && (told === undefined || told.hash === approval.hash);
  const plan = isApproved ? approval : told;
  const isForced = plan?.force === true;
  if (plan === undefined || plan.commit !== to) return null;
  if (from === to && !isForced && plan.moved === undefined) return null;
  if (plan.from !== from) return null;
  const { id, hash, commit, because } = plan;
  return {
    id,
    hash,
    commit,
    since: told?.at ?? plan.at,
    because,
    approved: isApproved ? { by: approval.by, at: approval.at } : null,
    next: isApproved ? `orchestrator-update approve ${id} --now` : lookThenApprove(id),
  };
}

/** What is awaited, in a line. */
export function awaitingText({ commit, because, since, next }: ApprovalStatus): string {
  return `${short(commit)} waits for approval: ${because.join('; ')} (since ${since}): ${next}`;
}
