import { isContainerdStepBack, isRestarted, reversed } from './core/engine-transaction.ts';
import { heldIn, type PackageChange } from './core/engine-upgrade.ts';
import {
  endWayBack,
  ranIn,
  readEngineRecord,
  writeEngineTransaction,
  type EngineTransaction,
} from './engine-records.ts';
import { messageOf, RefusedError } from './errors.ts';
import type { UpgradeHost } from './host/upgrade-host.ts';
import { becomesWell, type EngineWish } from './judge-engine.ts';

/** What came of a change of the engine. */
export interface EngineOutcome {
  /**
   * `done`: as asked. `taken back`: the new engine did not work; the old one runs, and was verified. `aborted`: nothing
   * was touched. `operator`: a person is needed.
   */
  readonly state: 'done' | 'taken back' | 'aborted' | 'operator';
  readonly summary: string;
  readonly changes: readonly PackageChange[];
  /** What was wrong, of what was taken back; what still is, where a person is needed. */
  readonly problems: readonly string[];
}

/**
 * Brings the old packages back, from the disk, and the configuration; then the daemons, then what ran. Can be done
 * again from its beginning at any point.
 */
export async function takeEngineBack(
  host: UpgradeHost,
  begun: EngineTransaction,
  reason: string,
  wish: EngineWish,
): Promise<EngineOutcome> {
  const wasRestarted = isRestarted(begun.phases);
  host.log.warn(`engine: the old packages are brought back: ${reason}`);
  const transaction = await writeEngineTransaction(host.state, {
    ...begun,
    phases: [...begun.phases, 'going back'],
    reason,
  });
  const { id, changes } = transaction;
  try {
    const isAsked = transaction.what === 'rollback';
    if (!isAsked) await host.restoreConfig(id, transaction.isLiveRestoreOurs);
    if (wasRestarted && isContainerdStepBack(reversed(changes)))
      await stopYounger(host, transaction);
    await host.install(id, changes, 'old');
    // Long after the upgrade the configuration is a person's again, unless the old dockerd cannot read it.
    if (isAsked && (await host.configProblem()) !== undefined) await host.restoreConfig(id, false);
    if (wasRestarted) await host.restart(changes);
  } catch (error) {
    host.log.error(`engine: ${messageOf(error)}`);
  }
  const ids = ranIn(transaction);
  const notStarted = await tryTo(host, () => host.startEnded(ids));
  const expected = { ...wish, side: 'from', mayRestart: true, clients: [] } as const;
  let problems = await becomesWell(host, transaction, expected);
  for (const act of [() => restartContainers(host, ids), () => host.repair()]) {
    if (problems.length === 0) break;
    host.log.warn(`engine: not well yet: ${problems.join('; ')}`);
    await tryTo(host, act);
    await tryTo(host, () => host.startEnded(ids));
    problems = await becomesWell(host, transaction, expected);
  }
  if (problems.length > 0) return needsOperator(host, transaction, [...problems, ...notStarted]);
  if (transaction.isLiveRestoreOurs) await host.switchLiveRestoreOff(id);
  return over(host, transaction, reason);
}

/** An older containerd kills what a newer one has started: better that it is stopped in its own time. */
async function stopYounger(
  host: UpgradeHost,
  { restartedAt = '', before }: EngineTransaction,
): Promise<void> {
  const view = await host.view().catch(() => undefined);
  const known = new Set(before.containers.map(({ id }) => id));
  const younger = (view?.containers ?? []).filter(
    ({ id, pid, startedAt }) =>
      pid !== 0 && known.has(id) && Date.parse(startedAt) >= Date.parse(restartedAt),
  );
  if (younger.length === 0) return;
  host.log.warn(`engine: stopped meanwhile: ${younger.map(({ name }) => name).join(', ')}`);
  await host.stopContainers(younger.map(({ id }) => id));
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

/** The transaction stays: the next `recover` tries again when the person has acknowledged it. */
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
  const isAsked = transaction.what === 'rollback';
  // An installation ends the hold of what it installs.
  await host.hold(heldIn(transaction.changes, 'from'));
  await endWayBack(host.state, transaction);
  const record = await readEngineRecord(host.state);
  await host.forget(record === undefined ? [] : [record.id]);
  const { version } = await host.view();
  const { changes } = transaction;
  if (isAsked) {
    const summary = `the engine is ${version} again, and works; its packages are held`;
    return { state: 'done', summary, changes: reversed(changes), problems: [] };
  }
  return {
    state: 'taken back',
    summary: `the engine is ${version} again, and works, and its packages are held; the new one was taken back: ${reason}`,
    changes,
    problems: [reason],
  };
}

/**
 * Takes the last upgrade back, with what was kept of it: no network is needed.
 *
 * @throws {RefusedError} where there is none
 */
export async function rollEngineBack(host: UpgradeHost, wish: EngineWish): Promise<EngineOutcome> {
  const record = await readEngineRecord(host.state);
  if (record === undefined || !(await host.isInstalled(record.changes, 'new'))) {
    throw new RefusedError(
      'no upgrade of the engine is known that could be taken back',
      'orchestrator-update engine status',
    );
  }
  const before = await host.view();
  const transaction: EngineTransaction = {
    id: record.id,
    what: 'rollback',
    startedAt: host.now().toISOString(),
    changes: record.changes,
    before,
    isLiveRestoreOurs: false,
    phases: ['restarting'],
    restartedAt: record.restartedAt,
  };
  await writeEngineTransaction(host.state, transaction);
  return takeEngineBack(host, transaction, 'asked for', wish);
}
