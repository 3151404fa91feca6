import { bring, goalName, type UpdateOptions } from './bring.ts';
import { stillWaiting } from './approval.ts';
import { forgetApproval, readApproval, readAwaiting } from './approval-records.ts';
import type { Config } from './config/schema.ts';
import { imagesText } from './core/moved-image.ts';
import { newerImages, mayLook, waitsForImages, type NewerImages } from './follow-images.ts';
import type { Host } from './host/host.ts';
import { readImageCheck, writeImageCheck } from './image-records.ts';
import { atTip, held, heldByFailures, heldImages, nothingToDo, type Outcome } from './outcome.ts';
import type { Goal } from './propose-update.ts';
import { forgetRetry, readRetry } from './records.ts';
import { resolveRelease } from './release.ts';
import { stillBackingOff } from './retry.ts';

/** For so long it is no news that registries do not answer. */
const FAILING_MS = 24 * 60 * 60_000;

/**
 * Brings images that moved at their registries, where the branch is where the host is: the same run, with the same
 * commit at its end.
 *
 * @returns undefined where there is nothing to bring, and nothing to be said of images
 */
export async function bringImages(
  host: Host,
  config: Config,
  commit: string,
  options: UpdateOptions,
): Promise<Outcome | undefined> {
  const { approves, isAutomatic, isAgain = false } = options;
  const isAsked = !isAgain && (approves !== undefined || !isAutomatic);
  if (!(await mayLook(host, config, { commit, isAsked })))
    return isAgain ? undefined : asItWas(host, config, commit);
  const newer = await look(host, config, commit);
  if (newer.moved.length === 0) {
    const outcome = await withoutNewer(host, newer, atTip(config, commit));
    return isAgain || approves !== undefined ? undefined : outcome;
  }
  const goal: Goal = { from: commit, to: commit, moved: newer.moved };
  const waits = isAutomatic && (await stillBackingOff(host, goalName(goal)));
  if (waits) return heldGoal(goal, waits);
  const outcome = await bring(host, config, goal, { ...options, force: false });
  await forgetFailed(host);
  return outcome;
}

/** What the last look has left goes on: somebody is waited for, or it is not time yet to try again. */
async function asItWas(host: Host, config: Config, commit: string): Promise<Outcome | undefined> {
  const told = await waitsForImages(host, config, commit);
  if (told) return stillWaiting(told);
  const retry = config.images.mode === 'builtin' ? await readRetry(host.state) : undefined;
  if (!retry?.commit.startsWith('images ')) return undefined;
  const waits = await stillBackingOff(host, retry.commit);
  const notBefore = waits?.notBefore ?? host.now();
  return { ...heldByFailures('a newer image', { ...retry, notBefore }), remindOf: retry.commit };
}

function heldGoal(goal: Goal, waits: Parameters<typeof heldByFailures>[1]): Outcome {
  const what = `what moved of ${imagesText(goal.moved ?? [])}`;
  return { ...heldByFailures(what, waits), remindOf: goalName(goal) };
}

async function look(host: Host, config: Config, commit: string): Promise<NewerImages> {
  const at = host.now().toISOString();
  try {
    const { model } = await resolveRelease(host, commit);
    const newer = await newerImages(host, config, model);
    for (const one of newer.failed) host.log.warn(`it is not known whether an image moved: ${one}`);
    for (const one of newer.waiting) host.log.info(`a newer image waits: ${one}`);
    await remember(host, newer.failed, at);
    return newer;
  } finally {
    await host.git.dropStagings();
  }
}

async function remember(host: Host, failed: readonly string[], at: string): Promise<void> {
  const before = await readImageCheck(host.state);
  const isFailing = failed.length > 0;
  await writeImageCheck(host.state, {
    at,
    failed: [...failed],
    ...(isFailing
      ? { failures: (before?.failures ?? 0) + 1, failingSince: before?.failingSince ?? at }
      : {}),
  });
}

/** What failed here, or is only watched, is told; everything else is as it should be. */
async function withoutNewer(
  host: Host,
  { quarantined, watched, failed }: NewerImages,
  where: string,
): Promise<Outcome | undefined> {
  if (failed.length === 0) await forgetImages(host);
  if (quarantined.length > 0) return heldImages(quarantined);
  if (watched.length > 0) return heldWatched(watched);
  return failed.length > 0 ? unknown(host, failed, where) : undefined;
}

/** What waited for a person, or failed before anything was touched, is not to be had any more. */
async function forgetImages(host: Host): Promise<void> {
  const [told, approval] = [await readAwaiting(host.state), await readApproval(host.state)];
  if (told?.moved !== undefined || approval?.moved !== undefined) await forgetApproval(host.state);
  await forgetFailed(host);
}

async function forgetFailed(host: Host): Promise<void> {
  const retry = await readRetry(host.state);
  if (retry?.commit.startsWith('images ')) await forgetRetry(host.state);
}

function heldWatched(watched: NewerImages['watched']): Outcome {
  const names = watched.flatMap(({ services }) => services).join(', ');
  const digests = watched.map(({ digest }) => digest).toSorted();
  return {
    ...held(
      `held: there is a newer one of ${imagesText(watched)}, and ${names} is only watched`,
      'name it in the compose file by its digest, or take the label orchestrator-update.images.monitor-only away',
    ),
    tells: { event: 'available', about: `images ${digests.join(' ')}` },
  };
}

/** A registry may be away for a while; for a day, somebody is told. */
async function unknown(host: Host, failed: readonly string[], where: string): Promise<Outcome> {
  const summary = `${where}; it is not known whether an image moved: ${failed.join('; ')}`;
  const since = (await readImageCheck(host.state))?.failingSince;
  const isLong = since !== undefined && host.now().getTime() - Date.parse(since) >= FAILING_MS;
  if (!isLong) return nothingToDo(summary);
  const outcome = held(
    `held: since ${since} registries have not told: ${failed.join('; ')}`,
    'orchestrator-update images    # asks them now',
  );
  return { ...outcome, remindOf: `registries since ${since}` };
}
