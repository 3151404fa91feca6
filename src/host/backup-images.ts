import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dockerSave } from '../argv/docker.ts';
import type { SavedImage } from '../core/saved-images.ts';
import { watcherOf } from './backup-base.ts';
import { fileDigestOf } from './backup-digests.ts';
import { recordedDigest } from './backup-manifest.ts';
import { MTREE, type BackupContext } from './backup-layout.ts';
import { pathExists } from './disk.ts';
import { exec } from './exec.ts';
import type { BackupDraft } from './backup-host.ts';

const IMAGES = 'images';
const SHOW_INTERVAL_MS = 1000;

/** Removes the images that a draft was begun with and does not need. */
export async function dropOtherImages(
  directory: string,
  images: readonly SavedImage[],
): Promise<void> {
  const wanted = new Set(images.map(({ file }) => file));
  const there = await readdir(join(directory, IMAGES)).catch(() => []);
  for (const file of there.map((name) => `${IMAGES}/${name}`)) {
    if (!wanted.has(file)) await rm(join(directory, file), { recursive: true, force: true });
  }
  if (images.length === 0) await rm(join(directory, IMAGES), { recursive: true, force: true });
}

/**
 * Saves images as files that only root can read. One that the draft was begun with is kept when it is, byte
 * by byte, what was written then.
 *
 * @throws when one cannot be saved whole
 */
export async function saveImages(
  context: BackupContext,
  { directory, base }: BackupDraft,
  images: readonly SavedImage[],
): Promise<void> {
  if (images.length === 0) return;
  await mkdir(join(directory, IMAGES), { recursive: true, mode: 0o700 });
  const mtree = base === undefined ? undefined : join(directory, MTREE);
  for (const image of images) {
    const path = join(directory, image.file);
    if (await isKnownGood(context, path, image, mtree)) continue;
    await rm(path, { force: true });
    await save(context, path, image);
  }
}

/** Nothing else tells whether it has rotted: there is no source that it could be compared with. */
async function isKnownGood(
  context: BackupContext,
  path: string,
  image: SavedImage,
  mtree: string | undefined,
): Promise<boolean> {
  if (mtree === undefined || !(await pathExists(path))) return false;
  const digest = await recordedDigest(mtree, image.file);
  if (digest === undefined) return false;
  const watcher = watcherOf(context, `reading the ${nameOf(image)} again`, image.sizeBytes);
  if ((await fileDigestOf(Buffer.from(path), watcher)) === digest) return true;
  context.warn(`${image.file} is not what was written there: the disk may fail; it is saved anew`);
  return false;
}

async function save(context: BackupContext, path: string, image: SavedImage): Promise<void> {
  const status = `saving the ${nameOf(image)}`;
  const show = async (): Promise<void> => {
    const { size } = await stat(path);
    context.onProgress(status, Math.min(1, size / Math.max(1, image.sizeBytes)));
  };
  context.onProgress(status);
  // Docker says nothing while it saves.
  const shown = setInterval(() => void show().catch(() => {}), SHOW_INTERVAL_MS);
  const signal = context.signal();
  try {
    await exec(dockerSave(image.id), {
      timeoutSeconds: context.config.timeouts.backup_seconds,
      stdoutFile: path,
      watch: context.watch,
      ...(signal ? { signal } : {}),
    });
  } finally {
    clearInterval(shown);
  }
}

function nameOf({ services }: SavedImage): string {
  return `image of ${services.join(', ')}`;
}
