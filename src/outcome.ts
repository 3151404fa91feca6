import { exitCodes, type ExitCode } from './exit-codes.ts';
import { shortDigest } from './core/moved-image.ts';
import type { QuarantinedImage } from './image-records.ts';
import { localTime, type HeldBack } from './schedule.ts';

/** How a run ended. */
export interface Outcome {
  readonly result:
    | 'nothing'
    | 'held'
    | 'updated'
    | 'rolled back'
    | 'interrupted'
    | 'needs operator'
    | 'waiting'
    /** Nothing to do, and a verification found a backup that cannot be relied on. */
    | 'bad backup';
  readonly exitCode: ExitCode;
  /** One sentence for the journal, `systemctl status` and a person. */
  readonly summary: string;
  /** What to type next, where there is something to do. */
  readonly next?: string;
  readonly from?: string;
  readonly to?: string;
  readonly transaction?: string;
  /** What a person types to approve the plan that waits. */
  readonly approvalId?: string;
  /** What a person has to be reminded of while it lasts, however often it is met. */
  readonly remindOf?: string;
  /** What a notification tells of it, where the result does not say that; `about`: what is told once. */
  readonly tells?: { readonly event: 'available' | 'recovered'; readonly about: string };
}

export function nothingToDo(summary: string): Outcome {
  return { result: 'nothing', exitCode: exitCodes.done, summary };
}

/** Where the branch is, there the host is. */
export function atTip(
  { project_name: project, branch }: { project_name: string; branch: string },
  commit: string,
): string {
  return `${project} is at ${short(commit)}, the tip of ${branch}`;
}

export function held(summary: string, next: string): Outcome {
  return { result: 'held', exitCode: exitCodes.done, summary, next };
}

/** A hold, a window or a freeze keeps the tip back; only a hold has to be thought of. */
export function heldFor(tip: string, { why, next, heldSince }: HeldBack): Outcome {
  const outcome = held(`held: ${short(tip)} waits: ${why}`, next);
  return heldSince === undefined
    ? { ...outcome, tells: { event: 'available', about: `available ${tip}` } }
    : { ...outcome, remindOf: `hold ${heldSince}` };
}

export function heldByQuarantine(branch: string, tip: string, reason: string): Outcome {
  const outcome = held(
    `held: ${short(tip)} is quarantined: ${reason}`,
    `push a release that works to ${branch}; or try this one again: orchestrator-update run --force`,
  );
  return { ...outcome, remindOf: `quarantine ${tip}` };
}

/** What failed before anything was touched waits a while. */
export function heldByFailures(
  what: string,
  { reason, failures, notBefore }: { reason: string; failures: number; notBefore: Date },
): Outcome {
  const times = failures === 1 ? 'once' : `${failures} times`;
  return held(
    `held: ${what} failed ${times} and is tried again after ${localTime(notBefore)}: ${reason}`,
    'orchestrator-update run    # tries it now',
  );
}

/** Images that moved are not tried again until they move once more. */
export function heldImages(images: readonly QuarantinedImage[]): Outcome {
  const told = images.map(
    ({ reference, digest, reason }) => `${reference} (${shortDigest(digest)}): ${reason}`,
  );
  const outcome = held(
    `held: a newer image is quarantined: ${told.join('; ')}`,
    'push an image that works under that name; or try these again: orchestrator-update run --force',
  );
  const digests = images.map(({ digest }) => digest).toSorted();
  return { ...outcome, remindOf: `images ${digests.join(' ')}` };
}

export function needsOperator(summary: string, next: string, transaction?: string): Outcome {
  return {
    result: 'needs operator',
    exitCode: exitCodes.operator,
    summary,
    next,
    ...(transaction === undefined ? {} : { transaction }),
  };
}

/** Whether a run has left everything as it was, and there is nothing wrong with that. */
export function isIdle({ result }: Outcome): boolean {
  return ['nothing', 'held', 'waiting'].includes(result);
}

/** A commit as a person reads it. */
export function short(commit: string): string {
  return commit.slice(0, 12);
}
