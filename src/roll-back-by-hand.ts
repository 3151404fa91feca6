import type { Config } from './config/schema.ts';
import { imagesText, pullableDigest } from './core/moved-image.ts';
import { type KeptImage, type Plan } from './core/plan.ts';
import { own } from './core/own.ts';
import type { Transaction } from './core/journal.ts';
import { currentCommit, proposeSafely, type Wish } from './detect.ts';
import { RefusedError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { short, type Outcome } from './outcome.ts';
import { withEffects } from './effect.ts';
import { imagesOfBackup, type BackupImages } from './images-of-backup.ts';
import { preflight, refuseProblems } from './preflight.ts';
import { readDeployed, readNeedsOperator, readTransactions } from './records.ts';
import { recover } from './recover.ts';
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
  const last = wanted.to === undefined ? lastLeft(past, from) : undefined;
  if (last?.moved !== undefined) return leaveImages(host, config, last);
  const { commit: target, backup } = await findTarget(host, wanted.to, () => previous(last, from));
  const restores = wanted.withData === true ? backup?.name : undefined;
  const found = backup && (await imagesOfBackup(host, config, backup));
  const isSame = target === from && !(await areOthers(host, found));
  if (isSame && restores === undefined) {
    throw new RefusedError(
      `${short(target)} is what is deployed now`,
      'orchestrator-update history; only its data: orchestrator-update restore BACKUP --volumes',
    );
  }
  const kept = target === from ? [] : await imagesKeptFor(host, past, target);
  const known = new Set(found?.kept.map(({ service }) => service));
  return goBack(host, config, {
    from,
    to: target,
    keptImages: [...(found?.kept ?? []), ...kept.filter(({ service }) => !known.has(service))],
    ...(found === undefined ? {} : { digests: found.digests, images: found.images }),
    ...(restores === undefined ? {} : { restores }),
  });
}

/** Whether a backup was made with other images than those that run. */
async function areOthers(host: Host, found: BackupImages | undefined): Promise<boolean> {
  if (found === undefined) return false;
  const running = new Map(
    (await host.engine.containers()).map(({ service, imageId }) => [service, imageId]),
  );
  const isOther = ({ service, id }: KeptImage): boolean => (running.get(service) ?? id) !== id;
  return found.kept.some(isOther) || Object.keys(found.digests).length > 0;
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
  where: Pick<Wish, 'from' | 'to' | 'keptImages' | 'left' | 'images' | 'digests' | 'restores'>,
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
 * of images that a person has gone back from since.
 */
function lastLeft(past: readonly Transaction[], at: string): Plan | undefined {
  const left = new Set<string>();
  for (const { plan, entries } of past) {
    if (plan.to !== at || entries.at(-1)?.state !== 'COMMITTED') continue;
    for (const image of plan.left ?? []) left.add(pullableDigest(image));
    if (plan.from !== plan.to) return plan;
    const { moved = [] } = plan;
    if (moved.some((image) => !left.has(pullableDigest(image)))) return plan;
    // Brought once more later, it can be left once more.
    for (const image of moved) left.delete(pullableDigest(image));
  }
  return undefined;
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
