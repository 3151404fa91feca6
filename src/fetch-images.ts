import type { ComposeModel } from './core/compose-model.ts';
import { pullableDigest } from './core/moved-image.ts';
import { own } from './core/own.ts';
import { imageOf, type SavedImage } from './core/saved-images.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host, Staging } from './host/host.ts';
import { readTransactions } from './records.ts';
import { loadImages } from './verify-restore.ts';

/** A release that is to run on an engine that has lost its images. */
export interface ReleaseWithoutImages {
  readonly staging: Staging;
  readonly model: ComposeModel;
  readonly commit: string;
}

/** Where an image that ran before is to be had. */
interface Sources {
  /** In a backup, and the directory of that. */
  readonly saved?: { readonly image: SavedImage; readonly directory: string };
  /** `name@sha256:…`. */
  readonly digest?: string;
}

/**
 * Has the images of a release on this host: those that ran, as far as backups and the transaction that brought it know
 * them; else what the release names, or is built of, now.
 *
 * @param backups good ones, newest first, and where they are
 * @throws what could not be had
 */
export async function fetchImagesOf(
  host: Host,
  { staging, model, commit }: ReleaseWithoutImages,
  backups: { readonly good: readonly BackupManifest[]; readonly directory: string },
): Promise<void> {
  const brought = await digestsBrought(host, commit);
  const toBuild: string[] = [];
  for (const [name, service] of Object.entries(model.services)) {
    const reference = imageOf(model, name, service);
    if ((await host.engine.imageId(reference)) !== undefined) continue;
    const { saved, digest } = await sourcesOf(host, backups, { name, reference, commit });
    const exact = brought.get(reference) ?? digest;
    if (saved !== undefined) {
      await loadImages(host, [saved.image], saved.directory);
      await host.engine.tag(saved.image.id, reference);
    } else if (service.build !== undefined) {
      toBuild.push(name);
    } else {
      host.progress(`pulling ${exact ?? reference}`);
      await host.engine.pull(exact ?? reference);
      if (exact !== undefined) await host.engine.tag(exact, reference);
    }
  }
  if (toBuild.length > 0) await host.compose.build(staging, model, toBuild);
}

/** What the registries said of the images that a release brought, when it came: by reference, to be pulled. */
async function digestsBrought(host: Host, commit: string): Promise<ReadonlyMap<string, string>> {
  const past = await readTransactions(host.state);
  // Newest first: images may have moved since it came.
  const coming = past.filter(
    ({ plan, entries }) => plan.to === commit && entries.at(-1)?.state === 'COMMITTED',
  );
  const brought = new Map<string, string>();
  const former = new Map<string, string>();
  for (const { plan } of coming.toReversed()) {
    for (const { reference, from } of plan.moved ?? []) former.set(reference, from);
    for (const [reference, digest] of Object.entries(plan.effects?.to.images ?? {}))
      brought.set(reference, pullableDigest({ reference, digest }));
    for (const { reference } of plan.left ?? []) {
      const digest = former.get(reference);
      if (digest?.startsWith('sha256:') === true)
        brought.set(reference, pullableDigest({ reference, digest }));
    }
  }
  return brought;
}

/** The newest backup of this very release counts, else the newest in which the service had the same image. */
async function sourcesOf(
  host: Host,
  { good, directory }: { readonly good: readonly BackupManifest[]; readonly directory: string },
  { name, reference, commit }: { name: string; reference: string; commit: string },
): Promise<Sources> {
  const byCommit = [
    ...good.filter((one) => one.commit === commit),
    ...good.filter((one) => one.commit !== commit),
  ];
  for (const backup of byCommit) {
    const isOther =
      backup.commit !== commit && (await referenceIn(host, backup, name)) !== reference;
    if (isOther) continue;
    const image = backup.savedImages?.find(({ services }) => services.includes(name));
    const [digest] = own(backup.imageDigests ?? {}, name) ?? [];
    if (image !== undefined) return { saved: { image, directory: `${directory}/${backup.name}` } };
    if (digest !== undefined) return { digest };
  }
  return {};
}

async function referenceIn(
  host: Host,
  backup: BackupManifest,
  name: string,
): Promise<string | undefined> {
  const model = await host.backups.readModel(backup).catch(() => undefined);
  const service = model && own(model.services, name);
  // What is built of other files is another image under the same name.
  return model && service && service.build === undefined
    ? imageOf(model, name, service)
    : undefined;
}
