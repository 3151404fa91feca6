import { bring, type UpdateOptions } from './bring.ts';
import { stillWaiting } from './approval.ts';
import type { Config } from './config/schema.ts';
import { imagesText } from './core/moved-image.ts';
import { newerImages, mayLook, waitsForImages, type NewerImages } from './follow-images.ts';
import type { Host } from './host/host.ts';
import { atTip, held, heldImages, nothingToDo, type Outcome } from './outcome.ts';
import { resolveRelease } from './release.ts';
import { stillBackingOff } from './retry.ts';

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
  if (!(await mayLook(host, config, { commit, isAsked }))) {
    const told = await waitsForImages(host, config, commit);
    return told && stillWaiting(told);
  }
  if (isAutomatic && (await stillBackingOff(host, commit))) return undefined;
  const newer = await look(host, config, commit);
  if (newer.moved.length === 0) return isAgain ? undefined : withoutNewer(newer, config, commit);
  const goal = { from: commit, to: commit, moved: newer.moved };
  return bring(host, config, goal, { ...options, force: false });
}

async function look(host: Host, config: Config, commit: string): Promise<NewerImages> {
  try {
    const { model } = await resolveRelease(host, commit);
    const newer = await newerImages(host, config, model);
    for (const one of newer.failed) host.log.warn(`it is not known whether an image moved: ${one}`);
    for (const one of newer.waiting) host.log.info(`a newer image waits: ${one}`);
    return newer;
  } finally {
    await host.git.dropStagings();
  }
}

/** What failed here, or is only watched, is told; everything else is as it should be. */
function withoutNewer(
  { quarantined, watched, failed }: NewerImages,
  config: Config,
  commit: string,
): Outcome | undefined {
  if (quarantined.length > 0) return heldImages(quarantined);
  if (watched.length === 0) {
    if (failed.length === 0) return undefined;
    return nothingToDo(
      `${atTip(config, commit)}; it is not known whether an image moved: ${failed.join('; ')}`,
    );
  }
  const names = watched.map(({ services }) => services.join(', ')).join(', ');
  const digests = watched.map(({ digest }) => digest).toSorted();
  return {
    ...held(
      `held: there is a newer one of ${imagesText(watched)}, and ${names} is only watched`,
      'name it in the compose file by its digest, or take the label orchestrator-update.images.monitor-only away',
    ),
    tells: { event: 'available', about: `images ${digests.join(' ')}` },
  };
}
