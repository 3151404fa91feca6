import { isContainerdStepBack, isRestarted, reversed } from './core/engine-transaction.ts';
import { heldIn, sameChanges } from './core/engine-upgrade.ts';
import { endLiveRestoreQuietly } from './engine-afterwards.ts';
import type { EngineOutcome } from './engine-outcome.ts';
import {
  endWayBack,
  ranIn,
  readEngineRecord,
  writeEngineTransaction,
  type EngineTransaction,
} from './engine-records.ts';
import { InterruptedError, messageOf, RefusedError } from './errors.ts';
import type { UpgradeHost } from './host/upgrade-host.ts';
import { becomesWell, problemsOf, type EngineWish } from './judge-engine.ts';

/** Nothing that is done here brings it back. */
const GONE = 'is not there any more';

/** The old engine, with whatever had to be done to what runs. */
const AS_BEFORE = { side: 'from', mayRestart: true, clients: [] } as const;

/**
 * Brings the old packages back, from the disk, and the configuration; then the daemons, then what ran. Can be done
 * again from its beginning at any point; where it was done already, or by a person, nothing is done.
 *
 * @throws {InterruptedError} when it is to stop; who comes next goes on
 */
export async function takeEngineBack(
  host: UpgradeHost,
  begun: EngineTransaction,
  reason: string,
  wish: EngineWish,
): Promise<EngineOutcome> {
  let transaction = await writeEngineTransaction(host.state, {
    ...begun,
    phases: [...begun.phases, 'going back'],
    reason,
  });
  if (begun.phases.at(-1) === 'going back' && (await isBack(host, transaction))) {
    return over(host, transaction, reason);
  }
  host.log.warn(`engine: the old packages are brought back: ${reason}`);
  // After another boot, what runs is what was on the disk.
  const ids = ranIn(transaction);
  const start = (): Promise<readonly string[]> =>
    tryTo(host, () => host.startEnded(ids, transaction.hasStopped));
  const isOtherBoot = begun.bootId !== (await host.bootId());
  const isRunning = isRestarted(begun.phases) || isOtherBoot;
  const younger = isRunning ? await youngerIn(host, transaction, isOtherBoot) : [];
  const isWithout = await host.view().then(
    ({ liveRestore }) => !liveRestore,
    () => false,
  );
  if (younger.length > 0 || (isRunning && isWithout)) transaction = await stops(host, transaction);
  await bringBack(host, transaction, { isRunning, younger });
  let notStarted = await start();
  let problems = await wrongAfter(host, transaction, wish);
  for (const act of [() => restartContainers(host, ids), () => host.repair()]) {
    if (problems.length === 0) break;
    if (host.isStopping()) throw new InterruptedError('a signal');
    host.log.warn(`engine: not well yet: ${problems.join('; ')}`);
    if (problems.every((problem) => problem.includes(GONE))) break;
    transaction = await stops(host, transaction);
    await tryTo(host, act);
    notStarted = await start();
    problems = await wrongAfter(host, transaction, wish);
  }
  if (host.isStopping() && problems.length > 0) throw new InterruptedError('a signal');
  if (problems.length > 0) return needsOperator(host, transaction, [...problems, ...notStarted]);
  return over(host, transaction, reason);
}

async function isBack(host: UpgradeHost, transaction: EngineTransaction): Promise<boolean> {
  if (!(await host.isInstalled(transaction.changes, 'old'))) return false;
  await tryTo(host, () => host.startEnded(ranIn(transaction), transaction.hasStopped));
  return (await problemsOf(host, transaction, AS_BEFORE)).length === 0;
}

/** That an old dockerd still answers says nothing of what is on the disk. */
async function wrongAfter(
  host: UpgradeHost,
  transaction: EngineTransaction,
  wish: EngineWish,
): Promise<string[]> {
  const problems = await becomesWell(host, transaction, { ...wish, ...AS_BEFORE });
  const isWhole = await host.isInstalled(transaction.changes, 'old').catch(() => false);
  return isWhole ? problems : [...problems, 'the old packages are not all installed, or not whole'];
}

/** Containers are about to be stopped. */
function stops(host: UpgradeHost, transaction: EngineTransaction): Promise<EngineTransaction> {
  return writeEngineTransaction(host.state, { ...transaction, hasStopped: true });
}

/** Packages, configuration, daemons. What fails is said, and shows in what is found afterwards. */
async function bringBack(
  host: UpgradeHost,
  { id, what, changes, isLiveRestoreOurs }: EngineTransaction,
  { isRunning, younger }: { isRunning: boolean; younger: readonly string[] },
): Promise<void> {
  const isAsked = what === 'rollback';
  try {
    if (!isAsked) await host.restoreConfig(id, isLiveRestoreOurs);
    if (younger.length > 0) await host.stopContainers(younger);
    await host.install(id, changes, 'old');
    // Long after the upgrade the configuration is a person's again, unless the old dockerd cannot read it.
    if (isAsked && (await host.configProblem()) !== undefined) await host.restoreConfig(id, false);
    if (isRunning) await host.restart(changes);
  } catch (error) {
    host.log.error(`engine: ${messageOf(error)}`);
  }
}

/**
 * An older containerd kills what a newer one has started: better that it is stopped in its own time. After another boot
 * that may be all of it, whatever of the packages was unpacked by then.
 */
async function youngerIn(
  host: UpgradeHost,
  { restartedAt = '', before, changes }: EngineTransaction,
  isOtherBoot: boolean,
): Promise<string[]> {
  if (!isContainerdStepBack(reversed(changes))) return [];
  const view = await host.view().catch(() => undefined);
  const known = new Set(before.containers.map(({ id }) => id));
  const younger = (view?.containers ?? []).filter(
    ({ id, pid, startedAt }) =>
      pid !== 0 &&
      known.has(id) &&
      (isOtherBoot || Date.parse(startedAt) >= Date.parse(restartedAt)),
  );
  if (younger.length > 0) {
    host.log.warn(`engine: stopped meanwhile: ${younger.map(({ name }) => name).join(', ')}`);
  }
  return younger.map(({ id }) => id);
}

/**
 * A dockerd that had another storage driver, and knew none of them, has taken their networks away: they run on, and
 * nobody reaches them.
 */
async function restartContainers(host: UpgradeHost, ids: readonly string[]): Promise<string[]> {
  await host.stopContainers(ids);
  return [];
}

async function tryTo(
  host: UpgradeHost,
  act: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  return act().catch((error: unknown) => {
    host.log.error(`engine: ${messageOf(error)}`);
    return [];
  });
}

/** What is not worth going back for. */
export async function tryQuietly(host: UpgradeHost, act: () => Promise<void>): Promise<void> {
  await act().catch((error: unknown) => host.log.warn(`engine: ${messageOf(error)}`));
}

/** The packages of the last upgrade that was believed; no others are of use any more. */
export async function keepWhatIsOfUse(host: UpgradeHost): Promise<void> {
  const record = await readEngineRecord(host.state);
  await host.forget(record === undefined ? [] : [record.id]);
}

/** The transaction stays: it is looked at again when the person has acknowledged it. */
async function needsOperator(
  host: UpgradeHost,
  { changes, reason = '' }: EngineTransaction,
  problems: readonly string[],
): Promise<EngineOutcome> {
  const summary = `the engine could not be taken back (${reason}): ${problems.join('; ')}`;
  await host.latch(summary);
  return { state: 'operator', summary, changes, problems };
}

async function over(
  host: UpgradeHost,
  transaction: EngineTransaction,
  reason: string,
): Promise<EngineOutcome> {
  const { changes, what, before } = transaction;
  const left = await endLiveRestoreQuietly(host, transaction);
  // An installation ends the hold of what it installs.
  await tryQuietly(host, () => host.hold(heldIn(changes, 'from')));
  await endWayBack(host.state, transaction);
  await tryQuietly(host, () => keepWhatIsOfUse(host));
  const version = await host.view().then(
    (view) => view.version,
    () => before.version,
  );
  if (what === 'rollback') {
    const summary = `the engine is ${version} again, and works; its packages are held${left}`;
    return { state: 'done', summary, changes: reversed(changes), problems: [] };
  }
  return {
    state: 'taken back',
    summary: `the engine is ${version} again, and works, and its packages are held; the new one was taken back: ${reason}${left}`,
    changes,
    problems: [reason],
  };
}

/**
 * Takes the last upgrade back, with what was kept of it: no network is needed.
 *
 * @throws {RefusedError} where there is none, or it cannot be done like that; nothing was touched
 */
export async function rollEngineBack(host: UpgradeHost, wish: EngineWish): Promise<EngineOutcome> {
  const record = await readEngineRecord(host.state);
  if (record === undefined || !(await host.isInstalled(record.changes, 'new'))) {
    throw new RefusedError(
      'no upgrade of the engine is known that could be taken back',
      'orchestrator-update engine status',
    );
  }
  const { id, changes, restartedAt } = record;
  // Damaged packages, and what depends on the new ones by now, show before anything is stopped.
  if (!sameChanges(await host.simulate(id, changes, 'old'), reversed(changes))) {
    throw new RefusedError(
      'the old packages would change more than what the upgrade has changed',
      `cd /var/lib/orchestrator-update/engine/${id}/old; apt-get install --simulate --allow-downgrades ./*.deb, or dnf install --assumeno ./*.rpm`,
    );
  }
  // Of an engine that does not answer it is not known what runs; Docker starts what is to be restarted.
  const before = await host.view().catch(() => ({ ...record.before, containers: [] }));
  const transaction: EngineTransaction = {
    id,
    what: 'rollback',
    startedAt: host.now().toISOString(),
    changes,
    before,
    isLiveRestoreOurs: false,
    holds: [],
    phases: ['restarting'],
    hasStopped: false,
    restartedAt,
    bootId: await host.bootId(),
  };
  await writeEngineTransaction(host.state, transaction);
  return takeEngineBack(host, transaction, 'asked for', wish);
}
