import type { Invocation } from '../command-table.ts';
import { clusterLookOf, type ClusterLook } from '../core/lost-volumes.ts';
import { keptVolumesOf } from '../core/mounts.ts';
import { damagedNames } from '../core/verification.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { fetchImagesOf } from '../fetch-images.ts';
import { hindranceIn } from '../hindrance.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import type { Host } from '../host/host.ts';
import type { RepairCluster } from '../host/repair-host.ts';
import { readDeployed, readVerifications } from '../records.ts';
import { resolveRelease, type Release } from '../release.ts';
import { restoreLost } from '../restore-lost.ts';
import { takeBaseline } from '../verify.ts';
import { openContext, type Context, type Door } from './context.ts';

/** Opens the cluster for a repair of the engine, each time anew: there may be no Docker yet. */
export function openRepairCluster(invocation: Invocation, door: Door): RepairCluster {
  const on = (act: (context: Context, release: Release) => Promise<void>) => () =>
    withContext(invocation, door, (context) => onRelease(context, act));
  return {
    hindrance: () => withContext(invocation, door, hindranceOf),
    look: () => withContext(invocation, door, look),
    recreate: on(recreate),
    bringUp: on(bringUpWhole),
    restore: on(restore),
    complete: () => withContext(invocation, door, complete),
  };
}

async function withContext<Result>(
  invocation: Invocation,
  door: Door,
  act: (context: Context) => Promise<Result>,
): Promise<Result> {
  const context = await openContext(invocation, door);
  try {
    return await act(context);
  } finally {
    context.statusLine.clear();
  }
}

/** Does something with the release that is deployed. @throws {OperatorError} where something speaks against it */
async function onRelease<Result>(
  context: Context,
  act: (context: Context, release: Release) => Promise<Result>,
): Promise<Result> {
  const { host } = context;
  const [why, deployed] = [await hindranceOf(context), await readDeployed(host.state)];
  if (why !== undefined || deployed === undefined) {
    throw new OperatorError(`the cluster is left as it is: ${why}`, host.compose.recipe());
  }
  try {
    return await act(context, await resolveRelease(host, deployed.commit));
  } finally {
    await host.git.dropStagings();
  }
}

/** Why the cluster must be left as it is; undefined where it need not. */
async function hindranceOf({ host }: Context): Promise<string | undefined> {
  // Who sees to what is unfinished waits for our lock.
  const why = await hindranceIn(host.state);
  if (why !== undefined) return why;
  const deployed = await readDeployed(host.state);
  if (deployed === undefined) return 'no release was deployed by this program yet';
  const { commit } = await host.git.head();
  if (commit !== deployed.commit) {
    return 'the work tree is at another commit than what was deployed';
  }
  const dirty = await host.git.dirtyFiles();
  return dirty.length === 0 ? undefined : `changed in the work tree: ${dirty.join(', ')}`;
}

async function look(context: Context): Promise<ClusterLook> {
  const { host } = context;
  if ((await hindranceOf(context)) !== undefined) return { state: 'unknown', lostVolumes: [] };
  if ((await host.engine.containers()).length > 0) return { state: 'there', lostVolumes: [] };
  return onRelease(context, (_, { model }) => lookAtVolumes(host, model));
}

async function lookAtVolumes(host: Host, model: Release['model']): Promise<ClusterLook> {
  const [newest] = await goodBackups(host);
  return clusterLookOf({
    expected: keptVolumesOf(model),
    there: new Set((await host.engine.volumes()).map(({ name }) => name)),
    backedUp: newest?.volumes ?? [],
  });
}

/** Newest first. */
async function goodBackups(host: Host): Promise<BackupManifest[]> {
  const damaged = damagedNames(await readVerifications(host.state));
  return (await host.backups.list()).filter(({ name }) => !damaged.has(name));
}

/** Containers and networks, never volumes. Docker is restarted between: it goes on looking for the old bridge. */
async function recreate({ host }: Context, { model }: Release): Promise<void> {
  await host.compose.down(model);
  await host.engine.restart();
  await host.compose.up({ services: [], removeOrphans: false });
}

/** @throws {OperatorError} where a volume of it is gone: compose would make an empty one in its place */
async function bringUpWhole(context: Context, release: Release): Promise<void> {
  const { lostVolumes } = await lookAtVolumes(context.host, release.model);
  if (lostVolumes.length > 0) {
    throw new OperatorError(
      `volumes are gone: ${lostVolumes.join(', ')}`,
      'orchestrator-update backup list; orchestrator-update restore BACKUP --volumes',
    );
  }
  await bringUp(context, release);
}

/** @throws {OperatorError} where it does not become healthy */
async function bringUp({ host, config }: Context, release: Release): Promise<void> {
  const { commit } = release.staging;
  const backups = { good: await goodBackups(host), directory: config.backups_dir };
  await fetchImagesOf(host, { ...release, commit }, backups);
  await host.compose.up({ services: [], removeOrphans: false });
  const { findings } = await takeBaseline(host, config, release.model);
  if (findings.length === 0) return;
  const what = findings.map(({ subject, problem }) => `${subject} ${problem}`).join('; ');
  throw new OperatorError(`the cluster is not healthy: ${what}`, host.compose.recipe());
}

async function restore(context: Context, release: Release): Promise<void> {
  const { host, config } = context;
  const [backup] = await goodBackups(host);
  if (backup === undefined) {
    throw new OperatorError('there is no good backup', 'orchestrator-update backup list');
  }
  const { model } = release;
  await restoreLost(host, config, { model, backup }, () => bringUp(context, release));
}

/** A container that Docker has lost is made anew. */
async function complete(context: Context): Promise<boolean> {
  const { host, log } = context;
  const why = await hindranceOf(context);
  if (why !== undefined) {
    log.warn(`the cluster was not brought up: ${why}; ${host.compose.recipe()}`);
    return true;
  }
  try {
    await host.compose.up({ services: [], removeOrphans: false });
    return true;
  } catch (error) {
    log.warn(`the cluster could not be brought up: ${messageOf(error)}`);
    return false;
  }
}
