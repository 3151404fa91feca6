import type { Config } from './config/schema.ts';
import { scopeOf, type BackupScope } from './core/backup-scope.ts';
import type { ComposeModel } from './core/compose-model.ts';
import type {
  BackupDraft,
  BackupManifest,
  BackupSource,
  EngineVersions,
} from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { hooksOf, type Hooks } from './core/dump.ts';
import { messageOf } from './errors.ts';
import { imagesForBackup } from './images.ts';
import { keepHistory } from './keep-history.ts';
import { whileFrozen } from './freeze.ts';

/** What a backup is made of, beside the host itself. */
export interface BackupWish {
  readonly name: string;
  /** The release that runs: its commit, what compose makes of it, and its images by service. */
  readonly commit: string;
  readonly model: ComposeModel;
  readonly images: Readonly<Record<string, string>>;
  /** By service, `name@sha256:…`: what a registry has an image as, which has lost its name on this host. */
  readonly digests?: Readonly<Record<string, string>>;
  /** Names of backups that are in use. */
  readonly keep?: readonly string[];
}

/**
 * Backs the cluster up: copies everything while it runs, then what changed meanwhile while nobody writes.
 *
 * @throws when it cannot be had whole; half of one is left under a hidden name
 */
export async function backUp(
  host: Host,
  config: Config,
  wish: BackupWish,
): Promise<BackupManifest> {
  try {
    return await makeBackup(host, config, wish);
  } catch (error) {
    // Who stops it knows.
    if (host.interruptedBy() === undefined) {
      host.log.warn(`the backup ${wish.name} failed: ${messageOf(error)}`, {
        event: 'backup failed',
        backup: wish.name,
      });
    }
    throw error;
  }
}

async function makeBackup(host: Host, config: Config, wish: BackupWish): Promise<BackupManifest> {
  const { backups } = host;
  const { commit, model, images } = wish;
  const scope = await scopeNow(host, config, model);
  // It does not write, and is not to go on with the others.
  const writers = scope.writers.filter(({ container }) => container.isHeldStill !== true);
  const releaseImages = await imagesForBackup(
    host,
    model,
    images,
    config.backup.images,
    wish.digests,
  );
  for (const { subject, why } of [...scope.leftOut, ...releaseImages.leftOut]) {
    host.log.info(`not in the backup: ${subject}: ${why}`);
  }
  const kept = (wish.keep ?? []).map((name) => `${config.backups_dir}/${name}`);
  const inUse = [...(await host.engine.mountedPaths()), ...kept];
  const sources = sourcesOf(host, scope);
  const { saved } = releaseImages;
  const draft = await backups.begin(wish.name, sources, config.backup.keep, inUse, saved);
  await backups.keepEngine(draft, await versionsNow(host));
  await backups.saveImages(draft, saved);
  await backups.copy(draft, config.timeouts.backup_seconds);
  if (scope.writers.length > 0) await backups.distrust(draft);
  // Before it is frozen: in a container that is paused nothing can be run.
  const hooks = hooksOf(model, await host.engine.containers());
  const { freeze_seconds: limit } = config.backup;
  const frozen = await betweenHooks(host, draft, hooks, () =>
    whileFrozen(host, config, writers, () => backups.copyChanged(draft, limit)),
  );
  if (frozen) host.log.info(`nobody wrote for ${frozen.seconds.toFixed(1)} s (${namesOf(frozen)})`);
  const facts = { commit, images, releaseImages, model, scope, frozen };
  const manifest = await backups.finish(draft, facts, inUse);
  await keepHistory(host, config, manifest);
  return manifest;
}

/**
 * Does what services want to have done before they are frozen (without it, there is no backup), and when they go
 * on: also where there is no backup in the end, since they were prepared for one.
 */
async function betweenHooks<T>(
  host: Host,
  draft: BackupDraft,
  { pre, dumps, post }: Hooks,
  act: () => Promise<T>,
): Promise<T> {
  const untouched = new Set(pre.map(({ container }) => container.id));
  try {
    for (const { container, script } of pre) {
      untouched.delete(container.id);
      host.progress(`preparing ${container.service} for the backup`);
      await host.engine.execute(container, script);
    }
    for (const dump of dumps) await host.backups.dump(draft, dump);
    return await act();
  } finally {
    for (const { container, script } of post) {
      if (untouched.has(container.id)) continue;
      await host.engine.execute(container, script).catch((error: unknown) => {
        host.log.warn(`after the backup, in ${container.name}: ${messageOf(error)}`);
      });
    }
  }
}

/** What a backup made now would need on its disk. */
export async function backupBytes(
  host: Host,
  config: Config,
  model: ComposeModel,
): Promise<number> {
  const running = (await host.engine.containers()).map(({ service, imageId }) => [
    service,
    imageId,
  ]);
  const images = Object.fromEntries(running) as Record<string, string>;
  const { saved } = await imagesForBackup(host, model, images, config.backup.images);
  return host.backups.neededBytes(sourcesOf(host, await scopeNow(host, config, model)), saved);
}

async function versionsNow({ engine, compose }: Host): Promise<EngineVersions> {
  return { ...(await engine.versions()), compose: await compose.version() };
}

async function scopeNow(host: Host, config: Config, model: ComposeModel): Promise<BackupScope> {
  const [containers, volumes] = await Promise.all([
    host.engine.containers(),
    host.engine.volumes(),
  ]);
  return scopeOf({
    model,
    containers,
    volumes,
    workTree: host.git.directory,
    backupsDirectory: config.backups_dir,
    freeze: config.backup.freeze,
    excludedVolumes: config.backup.exclude_volumes,
  });
}

function sourcesOf({ backups }: Host, { volumes }: BackupScope): BackupSource[] {
  const each = volumes.map(({ name, path }) => ({ path, place: `volumes/${name}`, excluded: [] }));
  return [backups.workTree, ...each];
}

function namesOf({ paused, stopped }: { paused: readonly string[]; stopped: readonly string[] }) {
  const parts = [
    ...(paused.length > 0 ? [`paused: ${paused.join(', ')}`] : []),
    ...(stopped.length > 0 ? [`stopped: ${stopped.join(', ')}`] : []),
  ];
  return parts.join('; ');
}
