import type { ComposeModel } from './core/compose-model.ts';
import { own } from './core/own.ts';
import { imageOf } from './core/saved-images.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { loadImages } from './verify-restore.ts';

/** A release that is to run on an engine that has lost its images. */
export interface ReleaseWithoutImages {
  readonly model: ComposeModel;
  readonly commit: string;
  /** Where backups are. */
  readonly backups: string;
}

/**
 * Has the images of a release on this host: those that ran when a backup of it was made, where it has them or a
 * registry still gives them back; else what the release names now.
 *
 * @throws what could not be pulled
 */
export async function fetchImagesOf(
  host: Host,
  { model, commit, backups }: ReleaseWithoutImages,
  backup: BackupManifest | undefined,
): Promise<void> {
  const known = backup?.commit === commit ? backup : undefined;
  for (const [name, service] of Object.entries(model.services)) {
    const reference = imageOf(model, name, service);
    if ((await host.engine.imageId(reference)) !== undefined) continue;
    const saved = known?.savedImages?.find(({ services }) => services.includes(name));
    if (saved !== undefined) {
      await loadImages(host, [saved], `${backups}/${known?.name}`);
      await host.engine.tag(saved.id, reference);
      continue;
    }
    const [digest] = own(known?.imageDigests ?? {}, name) ?? [];
    host.progress(`pulling ${digest ?? reference}`);
    await host.engine.pull(digest ?? reference);
    if (digest !== undefined) await host.engine.tag(digest, reference);
  }
}
