import { lstat, mkdir, readdir, readFile, readlink, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isWithin } from '../core/contents.ts';
import { REPLACED_PATTERN } from '../core/swap.ts';
import { roomFor } from '../core/room.ts';
import type { Size } from '../core/sizes.ts';
import { megabytes } from '../core/megabytes.ts';
import { bytesOfImages, roomForImages, type SavedImage } from '../core/saved-images.ts';
import { expendable } from '../core/retention.ts';
import { RefusedError } from '../errors.ts';
import {
  LATEST,
  MANIFEST,
  MODEL,
  OWN_PREFIX,
  partial,
  type BackupContext,
} from './backup-layout.ts';
import { beginFromBase, chooseBase } from './backup-base.ts';
import {
  copyChanged,
  copySources,
  distrustSinceBase,
  distrustSinceStart,
  stopLeftCopies,
} from './backup-copy.ts';
import { keepEngine } from './backup-engine.ts';
import { onBackupDisk } from './backup-disk.ts';
import { writeDump } from './backup-dump.ts';
import { finishBackup } from './backup-finish.ts';
import { dropOtherImages, saveImages } from './backup-images.ts';
import { lookAt, type Look } from './backup-changes.ts';
import { measure, sumOf } from './backup-size.ts';
import { restoreBackup, sampleBackup, verifyBackup } from './backup-verify.ts';
import { parseModel } from '../core/model-json.ts';
import type { ComposeModel } from '../core/compose-model.ts';
import type { BackupDraft, BackupHost, BackupManifest, BackupSource } from './backup-host.ts';

/**
 * Plain copies of the cluster below the backups directory: `<name>/<project directory>`, with what lies
 * beside it in the repository, `volumes/<name>`, and what is needed to run it by hand. A copy is made under
 * a hidden name and renamed when it is whole and on the disk.
 */
export function createBackups(context: BackupContext): BackupHost {
  const { config } = context;
  const directory = config.backups_dir;
  const onDisk = <T>(write: () => Promise<T>): Promise<T> => onBackupDisk(directory, write);
  return {
    workTree: workTreeSource(context),
    begin: (name, sources, keep, inUse, images) =>
      onDisk(() => begin(context, name, sources, { keep, inUse, images })),
    saveImages: (draft, images) => onDisk(() => saveImages(context, draft, images)),
    keepEngine: (draft, versions) => onDisk(() => keepEngine(context, draft, versions)),
    copy: (draft, withinSeconds) => onDisk(() => copySources(context, draft, withinSeconds)),
    copyChanged: (draft, withinSeconds) => onDisk(() => copyChanged(context, draft, withinSeconds)),
    distrust: (draft) => onDisk(() => distrustSinceStart(context, draft)),
    dump: (draft, dump) => onDisk(() => writeDump(context, draft, dump)),
    finish: (draft, facts, inUse) => onDisk(() => finishBackup(context, draft, facts, inUse)),
    neededBytes: async (sources, images) => {
      const { bytes, largestBytes } = await measure(context, sources);
      return neededFor(context, bytes + largestBytes + bytesOfImages(images));
    },
    list: () => listBackups(directory),
    verify: (manifest) => verifyBackup(context, manifest),
    sample: (manifest, part) => sampleBackup(context, manifest, part),
    layOut: (manifest) => layOut(context, manifest),
    readModel: async ({ name }) =>
      parseModel(await readFile(join(directory, name, MODEL), 'utf8')) as ComposeModel,
    treeIn: (place) => join(place, workTreeSource(context).place),
    restore: (manifest, target) => restoreBackup(context, manifest, target),
    removePartial: (name) => remove(join(directory, partial(name))),
    prune: (keep, inUse) => prune(context, keep, inUse),
    sweep: () => sweep(context),
  };
}

function workTreeSource({ config, repository }: BackupContext): BackupSource {
  const { directory } = repository;
  const backups = config.backups_dir.startsWith(`${directory}/`)
    ? [`${config.backups_dir.slice(directory.length)}/`]
    : [];
  const isProject = repository.projectPath === '';
  return {
    path: directory,
    place: isProject ? basename(directory) : '',
    excluded: [...backups, REPLACED_PATTERN, ...config.backup.exclude],
  };
}

async function begin(
  context: BackupContext,
  name: string,
  sources: readonly BackupSource[],
  {
    keep,
    inUse,
    images,
  }: { keep: number; inUse: readonly string[]; images: readonly SavedImage[] },
): Promise<BackupDraft> {
  const directory = context.config.backups_dir;
  await stopLeftCopies(context);
  await refuseSymlink(directory);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const scratch = join(directory, partial(name));
  await remove(scratch);
  const backups = await listBackups(directory);
  const base = await chooseBase(context, backups, keep, await untouchable(directory, inUse));
  const startedAt = context.now();
  const baseBegunMs = Date.parse(base?.manifest.createdAt ?? startedAt.toISOString());
  context.onProgress('measuring what is to be backed up');
  const looks = new Map<string, Look>();
  for (const source of sources) looks.set(source.path, await lookAt(context, source, baseBegunMs));
  const size = sumOf([...looks.values()].map((look) => look.size));
  const there = base?.manifest.savedImages;
  await refuseWithoutRoom(context, size, base?.manifest, {
    bytes: roomForImages(images, there, base?.how === 'take'),
    bytesOfBase: bytesOfImages(there),
  });
  const begun = await beginFromBase(context, scratch, base);
  const draft: BackupDraft = {
    name,
    directory: scratch,
    startedAt: startedAt.toISOString(),
    sources,
    looks,
    sizeBytes: size.bytes + bytesOfImages(images),
    files: size.entries + images.length,
    base: begun,
  };
  await clearPlaces(draft);
  await dropOtherImages(scratch, images);
  if (base) await distrustSinceBase(context, draft, baseBegunMs);
  return draft;
}

/** Volumes are seen by root only, as Docker has it; those that a base has and the cluster not any more go. */
async function clearPlaces({ directory, sources }: BackupDraft): Promise<void> {
  for (const ours of ['dumps', 'engine']) await remove(join(directory, ours));
  const volumes = join(directory, 'volumes');
  await mkdir(volumes, { recursive: true, mode: 0o700 });
  const places = new Set(sources.map(({ place }) => join(directory, place)));
  const paths = (await readdir(volumes)).map((name) => join(volumes, name));
  for (const path of paths) if (!places.has(path)) await remove(path);
  for (const name of await readdir(directory)) {
    if (name.startsWith(OWN_PREFIX)) await remove(join(directory, name));
  }
}

/** Beside the others, where there is room for backups. */
async function layOut(context: BackupContext, manifest: BackupManifest) {
  const directory = join(context.config.backups_dir, partial(`verify-${manifest.name}`));
  await refuseWithoutRoom(
    context,
    { bytes: manifest.sizeBytes, entries: manifest.files, largestBytes: 0 },
    undefined,
  );
  return { directory, problems: await restoreBackup(context, manifest, directory) };
}

function neededFor({ config }: BackupContext, bytes: number): number {
  return roomFor(bytes, config.backup.reserve_mb);
}

/**
 * What is there already of a backup that is begun with another's files needs no room.
 *
 * @param images the room they need beside it, and how much of the other's size is its images
 */
async function refuseWithoutRoom(
  context: BackupContext,
  size: Size,
  base: BackupManifest | undefined,
  images = { bytes: 0, bytesOfBase: 0 },
): Promise<void> {
  const directory = context.config.backups_dir;
  const disk = await statfs(directory);
  const free = disk.bavail * disk.bsize;
  const there = (base?.sizeBytes ?? 0) - images.bytesOfBase;
  const more = Math.max(0, size.bytes - there) + size.largestBytes + images.bytes;
  const needed = neededFor(context, more);
  const entries = Math.max(0, size.entries - (base?.files ?? 0));
  const outOfInodes = disk.files > 0 && disk.ffree < entries * 1.05 + 1000;
  if (free >= needed && !outOfInodes) return;
  throw new RefusedError(
    free < needed
      ? `no room for a backup in ${directory}: ${megabytes(needed)} needed (the work tree, the volumes, the largest file once more while it is replaced, images of this host and a reserve of ${context.config.backup.reserve_mb} MB), ${megabytes(free)} free`
      : `no room for a backup in ${directory}: ${entries} files needed, ${disk.ffree} free`,
    `make room (du -sh ${directory}/*; remove old backups, lower backup.keep) or set backups_dir to another disk; the cluster was not touched`,
  );
}

/** A symbolic link in a place others can write could send root's files anywhere. */
async function refuseSymlink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new RefusedError(
    `${path} is not a directory${found.isSymbolicLink() ? ' but a symbolic link' : ''}`,
    'set backups_dir to the real directory, or remove what is there',
  );
}

/** Whole backups below a directory, newest first. */
export async function listBackups(directory: string): Promise<BackupManifest[]> {
  const names = await readdir(directory).catch(() => []);
  const manifests = await Promise.all(
    names
      .filter((name) => !name.startsWith('.') && name !== LATEST)
      .map((name) => readManifest(join(directory, name, MANIFEST))),
  );
  return manifests
    .filter((manifest) => manifest !== undefined)
    .toSorted((left, right) => (left.name < right.name ? 1 : -1));
}

async function readManifest(path: string): Promise<BackupManifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(path, 'utf8')) as BackupManifest;
    const isKnown = manifest.schema === 1 || manifest.schema === 2;
    return isKnown && manifest.name === basename(dirname(path)) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** The backups that must stay as they are: the one `latest` means, and those that containers run from. */
async function untouchable(
  directory: string,
  inUse: readonly string[],
): Promise<ReadonlySet<string>> {
  const latest = await readlink(join(directory, LATEST)).catch(() => '');
  const mounted = inUse
    .filter((path) => isWithin(path, directory) && path !== directory)
    .map((path) => path.slice(directory.length + 1).split('/')[0] ?? '');
  return new Set([latest, ...mounted]);
}

/** Only directories with a manifest of ours are ever removed. */
async function prune(
  context: BackupContext,
  keep: number,
  inUse: readonly string[],
): Promise<string[]> {
  const directory = context.config.backups_dir;
  const kept = await untouchable(directory, inUse);
  const names = (await listBackups(directory)).map(({ name }) => name);
  const old = expendable(names, keep, await context.damaged()).filter((name) => !kept.has(name));
  for (const name of old) await rename(join(directory, name), join(directory, partial(name)));
  await sweep(context);
  return old;
}

/** Removes copies that were cut short, and removals that were: neither is a backup any more. */
async function sweep(context: BackupContext): Promise<void> {
  const directory = context.config.backups_dir;
  const remains = (await readdir(directory).catch(() => [])).filter((name) =>
    name.startsWith(partial('')),
  );
  if (remains.length > 0) await stopLeftCopies(context);
  for (const name of remains) {
    context.onProgress(`removing ${name.slice(partial('').length)}`);
    await remove(join(directory, name));
  }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}
