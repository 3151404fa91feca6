import type { Invocation } from '../command-table.ts';
import { HIGHEST_RUNG } from '../core/engine-ladder.ts';
import { packagesOfEngines, partsOf } from '../core/engine-parts.ts';
import { hindranceIn } from '../hindrance.ts';
import { messageOf, RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { createRepairHost } from '../host/engine-repair.ts';
import { openApt } from '../host/packages.ts';
import { openStateFiles } from '../host/state-files.ts';
import { readDeployed } from '../records.ts';
import { resolveRelease } from '../release.ts';
import { repairEngine, type RepairOutcome } from '../repair-engine.ts';
import { openContext, openDoor, readConfig, whenFree, type Context, type Door } from './context.ts';
import { chooseStream, createLog } from '../host/log.ts';

const exitCodeOf: Readonly<Record<RepairOutcome['state'], ExitCode>> = {
  well: exitCodes.done,
  repaired: exitCodes.done,
  half: exitCodes.failed,
  'would repair': exitCodes.waiting,
  operator: exitCodes.operator,
};

/** `engine repair [--dry-run] [--max-rung N]`. */
export async function repair(invocation: Invocation): Promise<ExitCode> {
  const isDry = invocation.flags['dry-run'] === true;
  const maxRung = rungIn(invocation.flags['max-rung']);
  const { settings, environment } = invocation;
  const config = await readConfig(invocation);
  await refuseOthers();
  const door = openDoor(environment);
  const log = await createLog({ stream: chooseStream(environment), debug: settings.debug });
  const host = createRepairHost({
    socket: dockerSocket(environment),
    backupsDirectory: config.backups_dir,
    stateDirectory: settings.stateDirectory,
    state: openStateFiles(settings.stateDirectory),
    log,
    isStopping: () => door.stop.requestedBy() !== undefined,
    recreate: {
      may: async () => (await whyNotTouched(invocation, door)) === undefined,
      act: async () => {
        if (await withCluster(invocation, door, recreate)) return;
        throw new Error('the cluster could not be made anew');
      },
    },
  });
  try {
    const outcome = isDry
      ? await repairEngine(host, { isDry, maxRung })
      : await whenFree(invocation, log, async () =>
          withClusterUp(await repairEngine(host, { isDry, maxRung }), invocation, door),
        );
    process.stdout.write(
      `${invocation.json ? JSON.stringify(outcome, undefined, 2) : textOf(outcome)}\n`,
    );
    return exitCodeOf[outcome.state];
  } finally {
    await log.flush();
  }
}

function rungIn(text: Invocation['flags'][string]): number {
  if (typeof text !== 'string') return HIGHEST_RUNG;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--max-rung: a whole number is expected, not ${text}`);
}

/** An engine that no package of this host has is mended by whoever brought it. */
export async function refuseOthers(): Promise<void> {
  const apt = await openApt();
  const installed = await apt?.installed(packagesOfEngines).catch(() => undefined);
  // What dpkg does not say keeps nobody from starting Docker.
  if (installed === undefined && apt !== undefined) return;
  const signs = { program: 'docker', securityOptions: [], hasApt: apt !== undefined };
  const { why } = partsOf(installed ?? [], {}, signs);
  if (why === undefined) return;
  throw new RefusedError(
    `this engine cannot be repaired here: ${why}`,
    'orchestrator-update engine status; systemctl status docker',
  );
}

/** An engine that works is not all of it. */
async function withClusterUp(
  outcome: RepairOutcome,
  invocation: Invocation,
  door: Door,
): Promise<RepairOutcome> {
  const { state, summary } = outcome;
  if (state !== 'repaired' && state !== 'half') return outcome;
  if (await bringClusterUp(invocation, door)) return outcome;
  return { ...outcome, state: 'half', summary: `${summary}; the cluster could not be brought up` };
}

/** A container that Docker has lost is made anew, where the work tree is what was deployed. */
function bringClusterUp(invocation: Invocation, door: Door): Promise<boolean> {
  return withCluster(invocation, door, ({ host }) =>
    host.compose.up({ services: [], removeOrphans: false }),
  );
}

/** Containers and networks, never volumes. Docker is restarted between: it goes on looking for the old bridge. */
async function recreate({ host }: Context, commit: string): Promise<void> {
  const { model } = await resolveRelease(host, commit);
  await host.compose.down(model);
  await host.engine.restart();
  await host.compose.up({ services: [], removeOrphans: false });
}

/**
 * Does something to the cluster of the deployed release, where nothing speaks against it; else it is said.
 *
 * @returns false where it was tried, and failed
 */
async function withCluster(
  invocation: Invocation,
  door: Door,
  act: (context: Context, commit: string) => Promise<void>,
): Promise<boolean> {
  const context = await openContext(invocation, door);
  const { host, log, statusLine } = context;
  try {
    const deployed = await readDeployed(host.state);
    const why = await whyNotUp(context, deployed?.commit);
    if (why === undefined && deployed !== undefined) await act(context, deployed.commit);
    else log.warn(`the cluster was not brought up: ${why}; ${host.compose.recipe()}`);
    return true;
  } catch (error) {
    log.warn(`the cluster could not be brought up: ${messageOf(error)}`);
    return false;
  } finally {
    statusLine.clear();
  }
}

/** Why the cluster must be left as it is; undefined where it need not. */
async function whyNotTouched(invocation: Invocation, door: Door): Promise<string | undefined> {
  const context = await openContext(invocation, door);
  try {
    return await whyNotUp(context, (await readDeployed(context.host.state))?.commit);
  } finally {
    context.statusLine.clear();
  }
}

async function whyNotUp(
  { host }: Context,
  deployed: string | undefined,
): Promise<string | undefined> {
  // Who sees to what is unfinished waits for our lock.
  const why = await hindranceIn(host.state);
  if (why !== undefined) return why;
  if (deployed === undefined) return 'no release was deployed by this program yet';
  const { commit } = await host.git.head();
  if (commit !== deployed) return 'the work tree is at another commit than what was deployed';
  const dirty = await host.git.dirtyFiles();
  return dirty.length === 0 ? undefined : `changed in the work tree: ${dirty.join(', ')}`;
}

function textOf({ summary, complaints, rungs, evidence, state }: RepairOutcome): string {
  const list = rungs.map(
    ({ number, what, risk, isReversible }) =>
      `  rung ${number}: ${what}\n    risk: ${risk}; ${isReversible ? 'can be taken back' : 'cannot be taken back'}`,
  );
  const seen = complaints.map((one) => `  ${one}`);
  return [
    summary,
    ...(seen.length > 0 && state !== 'operator' ? ['what was wrong:', ...seen] : []),
    ...(state === 'would repair' ? list : []),
    ...(evidence === undefined ? [] : [`what was seen is in ${evidence}`]),
    ...(state === 'half' ? ['next: docker ps --all; journalctl -u docker -n 50'] : []),
    ...(state === 'operator'
      ? ['next: mend it by hand, then: orchestrator-update acknowledge']
      : []),
  ].join('\n');
}
