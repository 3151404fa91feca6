import { identify, lookThenApprove } from './approval.ts';
import { forgetApproval, readAwaiting } from './approval-records.ts';
import { names } from './approve.ts';
import type { Config } from './config/schema.ts';
import { changeText, imagesText, type ImageDigest } from './core/moved-image.ts';
import { RefusedError } from './errors.ts';
import type { Host } from './host/host.ts';
import { quarantineImages } from './image-records.ts';
import { short } from './outcome.ts';
import { planUpdate } from './propose-update.ts';
import { quarantine, type Quarantined } from './records.ts';
import { localTime } from './schedule.ts';

/** What a person does not want on this host. */
export interface Rejecting {
  /** The ID of a plan, its hash, or the beginning of its commit. */
  readonly wanted: string;
  /** Why; may be empty. */
  readonly reason: string;
  /** Who. */
  readonly by: string;
}

/** A plan that can be rejected. */
interface Rejectable {
  readonly id: string;
  readonly hash: string;
  readonly from: string;
  readonly commit: string;
  readonly contents: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly moved?: readonly ImageDigest[];
}

/** What became of it. */
export interface Rejection {
  readonly rejected: Quarantined;
  /** In a person's words: its commit, or the images that moved. */
  readonly what: string;
  readonly areImages: boolean;
  /** Not where its commit is the one that is deployed: what waited is only forgotten. */
  readonly isQuarantined: boolean;
}

/**
 * Quarantines the commit of a plan: it is not applied, and not asked about again, until the branch moves to a release
 * that does something else, or a person says `run --force`. The release that is deployed, which would have been
 * applied once more, is not to blame: its plan is forgotten.
 *
 * @throws {RefusedError} that says what waits, where it is not what they mean
 */
export async function reject(
  host: Host,
  config: Config,
  { wanted, reason, by }: Rejecting,
): Promise<Rejection> {
  const told = await readAwaiting(host.state);
  const isTold = told !== undefined && isNamed(wanted, told);
  const { from, commit, contents, digests, moved } = isTold
    ? told
    : await planNamed(host, config, wanted);
  const now = host.now();
  const why = reason === '' ? '' : `: ${reason}`;
  const rejected: Quarantined = {
    commit,
    reason: `rejected by ${by} on ${localTime(now)}${why}`,
    at: now.toISOString(),
    transaction: '',
    effect: {
      contents,
      images: Object.fromEntries(Object.entries(digests).filter(([, digest]) => digest !== '')),
    },
  };
  const isQuarantined = from !== commit || moved !== undefined;
  if (moved !== undefined) {
    const { at, transaction } = rejected;
    await quarantineImages(host.state, moved, { reason: rejected.reason, at, transaction });
  }
  if (from !== commit) await quarantine(host.state, rejected);
  // Written first: cut off in between, it is rejected all the same.
  await forgetApproval(host.state);
  const what = moved === undefined ? short(commit) : imagesText(moved);
  return { rejected, what, areImages: moved !== undefined, isQuarantined };
}

function isNamed(wanted: string, plan: Rejectable): boolean {
  return names(wanted, plan) || (wanted.length >= 4 && plan.commit.startsWith(wanted));
}

/** Nobody was told of it yet: a person has seen it with `plan`. */
async function planNamed(host: Host, config: Config, wanted: string): Promise<Rejectable> {
  const { plan } = await planUpdate(host, config, { force: false });
  const { id, hash, terms } = identify(plan, await readAwaiting(host.state));
  if (plan.from === plan.to && plan.moved === undefined) {
    throw new RefusedError(
      `${wanted} is not what waits: nothing does, ${config.project_name} is at ${short(plan.to)}`,
      'orchestrator-update status; to leave what runs: orchestrator-update rollback',
    );
  }
  const named = { ...terms, id, hash };
  if (isNamed(wanted, named)) return named;
  throw new RefusedError(
    `${wanted} is not what waits now, which is ${id}, ${changeText(plan)}; nothing was rejected`,
    lookThenApprove(id).replace(' approve ', ' reject '),
  );
}
