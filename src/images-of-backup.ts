import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { parseImageReference } from './core/image-reference.ts';
import { own } from './core/own.ts';
import { keptTag } from './core/plan-steps.ts';
import type { KeptImage } from './core/plan.ts';
import { imageOf } from './core/saved-images.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { loadImages } from './verify-restore.ts';

/** How the images that a backup was made with are to be had again. */
export interface BackupImages {
  /** On this host, with a tag that keeps them. */
  readonly kept: readonly KeptImage[];
  /** By reference: what its registry gives back. */
  readonly digests: Readonly<Record<string, string>>;
  /** By service: what ran, which its compose file may name otherwise. */
  readonly images: Readonly<Record<string, string>>;
}

/** Those that no registry can give back are loaded from the backup where they are gone. */
export async function imagesOfBackup(
  host: Host,
  { backups_dir: backups }: Config,
  backup: BackupManifest,
): Promise<BackupImages> {
  const { name, savedImages = [] } = backup;
  const gone = await Promise.all(savedImages.map(({ id }) => host.engine.imageId(id)));
  await loadImages(
    host,
    savedImages.filter((_, index) => gone[index] === undefined),
    `${backups}/${name}`,
  );
  const model = await host.backups.readModel(backup).catch(() => undefined);
  const kept: KeptImage[] = [];
  const digests: Record<string, string> = {};
  for (const [service, reference] of Object.entries(model === undefined ? {} : namesIn(model))) {
    const id = own(backup.images, service);
    if (id !== undefined && (await host.engine.imageFacts(id)) !== undefined) {
      kept.push({ service, reference, id, tag: keptTag(name, service) });
      continue;
    }
    const digest = digestFor(reference, own(backup.imageDigests ?? {}, service) ?? []);
    if (digest !== undefined) digests[reference] = digest;
  }
  for (const { id, tag } of kept) await host.engine.tag(id, tag);
  return { kept, digests, images: model === undefined ? {} : imagesNamed(model) };
}

function namesIn(model: ComposeModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(model.services).map(([name, service]) => [name, imageOf(model, name, service)]),
  );
}

/** What is built here has no name in the compose file. */
function imagesNamed(model: ComposeModel): Record<string, string> {
  return Object.fromEntries(
    Object.entries(model.services).flatMap(([name, { image }]) =>
      image === undefined ? [] : [[name, image]],
    ),
  );
}

function digestFor(reference: string, digests: readonly string[]): string | undefined {
  const { name } = parseImageReference(reference);
  const found = digests.find((one) => one.startsWith(`${name}@`)) ?? digests[0];
  return found?.split('@')[1];
}
