import type { Invocation } from '../command-table.ts';
import type { ClusterState } from '../core/engine-diagnosis.ts';
import { damagedNames } from '../core/verification.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { fetchImagesOf } from '../fetch-images.ts';
import { hindranceIn } from '../hindrance.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import type { Host } from '../host/host.ts';
import type { RepairCluster } from '../host/repair-host.ts';
import { readDeployed, readVerifications } from '../records.ts';
import { resolveRelease } from '../release.ts';
import { rollBackByHand } from '../roll-back-by-hand.ts';
import { openContext, type Context, type Door } from './context.ts';

/** Opens the cluster for a repair of the engine, each time anew: there may be no Docker yet. */
export function openRepairCluster(invocation: Invocation, door: Door): RepairCluster {
  const on = (act: (context: Context, commit: string) => Promise<void>) => () =>
    onCluster(invocation, door, act);
  return {
    mayTouch: () =>
      withContext(invocation, door, async (context) => (await whyNot(context)) === undefined),
    look: () => withContext(invocation, door, look),
    recreate: on(recreate),
    bringUp: on(bringUp),
    restore: on(restore),
  };
}

/**
 * A container that Docker has lost is made anew, where the work tree is what was deployed.
 *
 * @returns false where it was tried, and failed
 */
export function bringClusterUp(invocation: Invocation, door: Door): Promise<boolean> {
  return withContext(invocation, door, async (context) => {
    const { host, log } = context;
    const why = await whyNot(context);
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
  });
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

/** @throws {OperatorError} where something speaks against it */
function onCluster(
  invocation: Invocation,
  door: Door,
  act: (context: Context, commit: string) => Promise<void>,
): Promise<void> {
  return withContext(invocation, door, async (context) => {
    const [why, deployed] = [await whyNot(context), await readDeployed(context.host.state)];
    if (why !== undefined || deployed === undefined) {
      throw new OperatorError(
        `the cluster is left as it is: ${why}`,
        context.host.compose.recipe(),
      );
    }
    await act(context, deployed.commit);
  });
}

/** Why the cluster must be left as it is; undefined where it need not. */
async function whyNot({ host }: Context): Promise<string | undefined> {
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

async function look(context: Context): Promise<ClusterState> {
  const { host } = context;
  if ((await whyNot(context)) !== undefined) return 'unknown';
  if ((await host.engine.containers()).length > 0) return 'there';
  const volumes = (await newestGood(host))?.volumes ?? [];
  const there = new Set((await host.engine.volumes()).map(({ name }) => name));
  return volumes.every((name) => there.has(name)) ? 'gone' : 'lost';
}

async function newestGood(host: Host): Promise<BackupManifest | undefined> {
  const damaged = damagedNames(await readVerifications(host.state));
  return (await host.backups.list()).find(({ name }) => !damaged.has(name));
}

/** Containers and networks, never volumes. Docker is restarted between: it goes on looking for the old bridge. */
async function recreate({ host }: Context, commit: string): Promise<void> {
  const { model } = await resolveRelease(host, commit);
  await host.compose.down(model);
  await host.engine.restart();
  await host.compose.up({ services: [], removeOrphans: false });
}

async function bringUp({ host, config }: Context, commit: string): Promise<void> {
  const { model } = await resolveRelease(host, commit);
  try {
    await fetchImagesOf(
      host,
      { model, commit, backups: config.backups_dir },
      await newestGood(host),
    );
    await host.compose.up({ services: [], removeOrphans: false });
  } finally {
    await host.git.dropStagings();
  }
}

/** A transaction like any other: it is verified, and what is cut off is seen to. */
async function restore({ host, config }: Context): Promise<void> {
  const backup = await newestGood(host);
  if (backup === undefined) {
    throw new OperatorError('there is no good backup', 'orchestrator-update backup list');
  }
  const {
    exitCode,
    summary,
    next = 'orchestrator-update status',
  } = await rollBackByHand(host, config, { to: backup.name, withData: true });
  if (exitCode !== exitCodes.done) throw new OperatorError(summary, next);
}
