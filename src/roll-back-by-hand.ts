import type { Config } from './config/schema.ts';
import { imagesText, type ImageDigest } from './core/moved-image.ts';
import { type KeptImage, type Plan } from './core/plan.ts';
import { own } from './core/own.ts';
import { keptTag } from './core/plan-steps.ts';
import type { Transaction } from './core/journal.ts';
import { currentCommit, proposeSafely, type Wish } from './detect.ts';
import { RefusedError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { readImageQuarantine, type QuarantinedImage } from './image-records.ts';
import { short, type Outcome } from './outcome.ts';
import { withEffects } from './effect.ts';
import { preflight, refuseProblems } from './preflight.ts';
import { readDeployed, readNeedsOperator, readTransactions } from './records.ts';
import { recover } from './recover.ts';
import { loadImages } from './verify-restore.ts';
import { stillKept } from './replaced-images.ts';
import { transact } from './transact.ts';
import { transactionName } from './propose-update.ts';
import { stillLatched } from './update.ts';

/** What a person wants to go back to. */
export interface Wanted {
  /** A commit, or the name of a backup; neither: the release before the present one. */
  readonly to?: string | undefined;
  /** The data of that backup is brought, too. */
  readonly withData?: boolean;
}

/**
 * Goes back to an earlier release because a person wants to. The same transaction as an update:
 * backup, apply, verify; and forward again to the present release when the earlier one fails.
 * The release that is left is quarantined with the commit, so that the timer does not bring it back.
 */
export async function rollBackByHand(host: Host, config: Config, wanted: Wanted): Promise<Outcome> {
  const latched = await readNeedsOperator(host.state);
  if (latched) return stillLatched(latched.reason, latched.transaction);
  const recovered = await recover(host, config);
  if (recovered?.result === 'needs operator') return recovered;
  const from = await currentCommit(host, await readDeployed(host.state));
  const past = await readTransactions(host.state);
  const last =
    wanted.to === undefined
      ? lastLeft(past, from, await readImageQuarantine(host.state))
      : undefined;
  if (last?.moved !== undefined) return leaveImages(host, config, last);
  const { commit: target, backup } = await findTarget(host, wanted.to, () => previous(last, from));
  const restores = wanted.withData === true ? backup?.name : undefined;
  if (target === from && restores === undefined) {
    throw new RefusedError(
      `${short(target)} is what is deployed now`,
      'orchestrator-update history; only its data: orchestrator-update restore BACKUP --volumes',
    );
  }
  return goBack(host, config, {
    from,
    to: target,
    keptImages: target === from ? [] : await imagesFor(host, config, past, target, backup),
    ...(restores === undefined ? {} : { restores }),
  });
}

/** The images of before, at the same commit. */
async function leaveImages(host: Host, config: Config, last: Plan): Promise<Outcome> {
  const { to, moved: left = [] } = last;
  const keptImages = await stillKept(host, last);
  const lost = left.filter(({ services }) =>
    services.some((name) => !keptImages.some(({ service }) => service === name)),
  );
  if (lost.length > 0) {
    throw new RefusedError(
      `${imagesText(lost)} of before is not on this host any more`,
      'orchestrator-update history; name its digest in the compose file, and push',
    );
  }
  const before = last.pins?.from ?? {};
  const images = Object.fromEntries(
    Object.entries(last.pins?.to ?? {}).map(([name, { declared }]) => [
      name,
      own(before, name)?.reference ?? declared,
    ]),
  );
  return goBack(host, config, { from: to, to, keptImages, left, images });
}

async function goBack(
  host: Host,
  config: Config,
  where: Pick<Wish, 'from' | 'to' | 'keptImages' | 'left' | 'images' | 'restores'>,
): Promise<Outcome> {
  const name = transactionName(host.now(), where.to);
  const wish = {
    ...where,
    kind: 'rollback',
    name,
    backup: transactionName(host.now(), where.from),
    everything: true,
    allowRewind: true,
  } as const;
  try {
    const proposal = await withEffects(host, await proposeSafely(host, config, wish));
    refuseProblems((await preflight(host, config, proposal)).problems);
    // Who goes back by hand has said so: nobody is asked.
    return await transact(host, config, proposal, { id: name });
  } finally {
    await host.git.dropStagings();
  }
}

/**
 * The last change that is still in force: neither one that only went back, or brought data, at the same commit, nor one
 * of images that a person has gone back from.
 */
function lastLeft(
  past: readonly Transaction[],
  at: string,
  quarantined: readonly QuarantinedImage[],
): Plan | undefined {
  const isLeft = ({ reference, digest }: ImageDigest): boolean =>
    quarantined.some((one) => one.reference === reference && one.digest === digest);
  return past.find(
    ({ plan: { from, to, moved }, entries }) =>
      to === at &&
      entries.at(-1)?.state === 'COMMITTED' &&
      (from !== to || (moved !== undefined && !moved.every(isLeft))),
  )?.plan;
}

/** The release before the present one: where the last committed change came from. */
function previous(last: Plan | undefined, from: string): string {
  if (last) return last.from;
  throw new RefusedError(
    `no release before ${short(from)} is known on this host`,
    'orchestrator-update rollback --to COMMIT    # git log shows the commits',
  );
}

interface Target {
  readonly commit: string;
  readonly backup?: BackupManifest | undefined;
}

/** A backup's name stands for the commit it was made of. */
async function findTarget(
  host: Host,
  to: string | undefined,
  otherwise: () => string,
): Promise<Target> {
  if (to === undefined) return { commit: otherwise() };
  const backup = (await host.backups.list()).find(({ name }) => name === to);
  const commit = await host.git.resolve(backup?.commit ?? to);
  if (commit !== undefined) return { commit, backup };
  throw new RefusedError(
    `there is no commit and no backup ${to}`,
    'orchestrator-update history; ls the backups directory; git log',
  );
}

/** Images that this host still has are as good as those that a backup has saved. */
async function imagesFor(
  host: Host,
  config: Config,
  past: readonly Transaction[],
  target: string,
  backup: BackupManifest | undefined,
): Promise<readonly KeptImage[]> {
  const kept = await imagesKeptFor(host, past, target);
  const known = new Set(kept.map(({ service }) => service));
  const saved = backup === undefined ? [] : await imagesSavedIn(host, config, backup);
  return [...kept, ...saved.filter(({ service }) => !known.has(service))];
}

/** Those that no registry can give back, loaded from the backup where they are gone. */
async function imagesSavedIn(
  host: Host,
  { backups_dir: backups }: Config,
  { name, savedImages = [] }: BackupManifest,
): Promise<KeptImage[]> {
  const ids = await Promise.all(savedImages.map(({ id }) => host.engine.imageId(id)));
  const gone = savedImages.filter((_, index) => ids[index] === undefined);
  await loadImages(host, gone, `${backups}/${name}`);
  const images = savedImages.flatMap(({ id, services, references }) =>
    services.flatMap((service) =>
      references.map((reference) => ({ service, reference, id, tag: keptTag(name, service) })),
    ),
  );
  for (const { id, tag } of images) await host.engine.tag(id, tag);
  return images;
}

/** The images that were kept when the target was left last, and still are. */
async function imagesKeptFor(
  host: Host,
  past: readonly Transaction[],
  target: string,
): Promise<readonly KeptImage[]> {
  const leaving = past.find(
    ({ plan, entries }) => plan.from === target && entries.at(-1)?.state === 'COMMITTED',
  );
  return leaving ? stillKept(host, leaving.plan) : [];
}
