import type { Config } from './config/schema.ts';
import { keptImages, type KeptImage } from './core/plan.ts';
import { keptTag } from './core/plan-steps.ts';
import type { Transaction } from './core/journal.ts';
import { currentCommit, proposeSafely } from './detect.ts';
import { RefusedError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { short, type Outcome } from './outcome.ts';
import { withEffects } from './effect.ts';
import { preflight, refuseProblems } from './preflight.ts';
import { readDeployed, readNeedsOperator, readTransactions } from './records.ts';
import { recover } from './recover.ts';
import { loadImages } from './verify-restore.ts';
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
  const { commit: target, backup } = await findTarget(host, wanted.to, () => previous(past, from));
  const restores = wanted.withData === true ? backup?.name : undefined;
  if (target === from && restores === undefined) {
    throw new RefusedError(
      `${short(target)} is what is deployed now`,
      'orchestrator-update history; only its data: orchestrator-update restore BACKUP --volumes',
    );
  }
  const name = transactionName(host.now(), target);
  const wish = {
    kind: 'rollback',
    from,
    to: target,
    name,
    backup: transactionName(host.now(), from),
    everything: true,
    allowRewind: true,
    keptImages: target === from ? [] : await imagesFor(host, config, past, target, backup),
    ...(restores === undefined ? {} : { restores }),
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

/** The release before the present one: where the last committed change came from. */
function previous(past: readonly Transaction[], from: string): string {
  const last = past.find(
    ({ plan, entries }) => plan.to === from && entries.at(-1)?.state === 'COMMITTED',
  );
  if (last) return last.plan.from;
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
  const kept = leaving ? keptImages(leaving.plan) : [];
  const ids = await Promise.all(kept.map(({ tag }) => host.engine.imageId(tag)));
  return kept.filter((_, index) => ids[index] !== undefined);
}
