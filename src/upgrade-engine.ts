import type { EngineClient } from './core/engine-clients.ts';
import { dockerdIn, type EnginePhase } from './core/engine-transaction.ts';
import { heldIn, judgeUpgrade, sameChanges, type PackageChange } from './core/engine-upgrade.ts';
import { endLiveRestore, endLiveRestoreQuietly, releaseHolds } from './engine-afterwards.ts';
import { CUT_OFF, type EngineOutcome } from './engine-outcome.ts';
import {
  endUpgrade,
  ranIn,
  readEngineTransaction,
  writeEngineTransaction,
  type EngineTransaction,
} from './engine-records.ts';
import { InterruptedError, messageOf, RefusedError } from './errors.ts';
import type { UpgradeHost } from './host/upgrade-host.ts';
import { becomesWell, problemsOf, type EngineWish, type Expected } from './judge-engine.ts';
import { files } from './state-names.ts';
import { keepWhatIsOfUse, takeEngineBack, tryQuietly } from './take-engine-back.ts';

/** What an upgrade is to do, judged already. */
export interface UpgradeWish extends EngineWish {
  readonly changes: readonly PackageChange[];
  /** Containers are to go on while dockerd restarts. */
  readonly liveRestore: boolean;
  /** Who talks to the engine now. */
  readonly clients: readonly EngineClient[];
}

const BETWEEN_LOOKS_SECONDS = 15;

/**
 * Upgrades the engine as a transaction: everything that either way needs is on the disk first; what is begun is
 * written before; a new engine that does not work is taken back, packages and all.
 *
 * @throws {RefusedError} or what has failed, where nothing was touched
 * @throws {InterruptedError} when it is to stop; who comes next goes on
 */
export async function upgradeEngine(host: UpgradeHost, wish: UpgradeWish): Promise<EngineOutcome> {
  const prepared = await prepare(host, wish);
  const mayRestart = !prepared.before.liveRestore && !prepared.isLiveRestoreOurs;
  return forward(host, prepared, { ...wish, mayRestart }, 'unpacking');
}

/**
 * Finishes or takes back what was cut off, whatever cut it off. Where a person is waited for, nothing is changed.
 *
 * @returns undefined where nothing was under way
 * @throws {InterruptedError} when it is to stop; who comes next goes on
 */
export async function recoverEngine(
  host: UpgradeHost,
  wish: EngineWish,
): Promise<EngineOutcome | undefined> {
  const transaction = await readEngineTransaction(host.state).catch(() => 'damaged' as const);
  if (transaction === undefined) return undefined;
  if (await host.isLatched()) return waitsForPerson;
  if (transaction === 'damaged') return damaged(host);
  // dpkg, or rpm, goes on without us.
  await host.installed();
  const phase = transaction.phases.at(-1) ?? 'prepared';
  host.log.warn(`a change of the engine was cut off (${phase}): it is seen to`);
  if (phase === 'prepared') return abort(host, transaction, 'it was cut off');
  const isNew = await host.isInstalled(transaction.changes, 'new');
  if (transaction.what === 'rollback' || phase === 'going back' || !isNew) {
    return takeEngineBack(host, transaction, transaction.reason ?? `${CUT_OFF} (${phase})`, wish);
  }
  // What cut it off may have ended containers, too.
  const how = { ...wish, clients: [], mayRestart: true };
  return forward(host, transaction, how, phase === 'holding' ? 'holding' : 'restarting');
}

const waitsForPerson: EngineOutcome = {
  state: 'operator',
  summary: 'a person is waited for, and nothing is changed: orchestrator-update status',
  changes: [],
  problems: [],
};

/** What was meant is not known any more. */
async function damaged(host: UpgradeHost): Promise<EngineOutcome> {
  const summary = `a change of the engine was cut off, and ${files.engineTransaction} is damaged; see orchestrator-update engine status; when all is well: rm /var/lib/orchestrator-update/${files.engineTransaction}`;
  await host.latch(summary);
  return { state: 'operator', summary, changes: [], problems: ['the transaction is damaged'] };
}

/** Nothing that runs is touched yet. */
async function prepare(host: UpgradeHost, wish: UpgradeWish): Promise<EngineTransaction> {
  const { changes } = wish;
  const at = host.now();
  const id = at.toISOString().replaceAll(/[:]|\.\d+/g, '');
  try {
    host.log.info('engine: getting the new packages, and those for the way back');
    await host.fetch(id, changes, 'old');
    await host.fetch(id, changes, 'new');
    await refuseSurprises(host, id, changes);
    await host.snapshot(id);
    if (host.isStopping()) throw new InterruptedError('a signal');
  } catch (error) {
    await tryQuietly(host, () => keepWhatIsOfUse(host));
    throw error;
  }
  // Not before: what comes and goes meanwhile is none of the engine's business.
  const before = await host.view();
  const wanted = heldIn(changes, 'from');
  const held = await host.held(wanted);
  const transaction = await writeEngineTransaction(host.state, {
    id,
    what: 'upgrade',
    startedAt: at.toISOString(),
    changes: [...changes],
    before,
    // Written first: what is switched on is switched off again, whatever happens.
    isLiveRestoreOurs: wish.liveRestore && !before.liveRestore,
    holds: wanted.filter((name) => !held.includes(name)),
    phases: ['prepared'],
    hasStopped: false,
    bootId: await host.bootId(),
  });
  try {
    const ready = await withLiveRestore(host, transaction);
    await host.hold(wanted);
    return ready;
  } catch (error) {
    await abort(host, transaction, messageOf(error));
    throw error;
  }
}

async function withLiveRestore(
  host: UpgradeHost,
  transaction: EngineTransaction,
): Promise<EngineTransaction> {
  const { id, isLiveRestoreOurs } = transaction;
  if (!isLiveRestoreOurs || (await host.switchLiveRestoreOn(id))) return transaction;
  host.log.warn('engine: live-restore cannot be had: every container is restarted');
  // A dockerd that did not take it must not find it in its configuration.
  await endLiveRestore(host, transaction);
  return writeEngineTransaction(host.state, { ...transaction, isLiveRestoreOurs: false });
}

/** With the very files that are installed: what was planned may not be what they do. */
async function refuseSurprises(
  host: UpgradeHost,
  id: string,
  changes: readonly PackageChange[],
): Promise<void> {
  const planned = await host.simulate(id, changes, 'new');
  const { refusals } = judgeUpgrade(planned);
  const [why] = sameChanges(planned, changes)
    ? refusals
    : [...refusals, 'the packages do not do what was planned; somebody changed them meanwhile'];
  if (why === undefined) return;
  throw new RefusedError(`the engine is not upgraded: ${why}`, 'orchestrator-update engine status');
}

async function abort(
  host: UpgradeHost,
  transaction: EngineTransaction,
  why: string,
): Promise<EngineOutcome> {
  const left = await endLiveRestore(host, transaction);
  const stillHeld = await releaseHolds(host, transaction);
  await host.state.remove(files.engineTransaction);
  await tryQuietly(host, () => keepWhatIsOfUse(host));
  return {
    state: 'aborted',
    summary: `nothing of the engine was changed: ${why}${stillHeld}${left}`,
    changes: transaction.changes,
    problems: [why],
  };
}

type ForwardWish = EngineWish & Pick<Expected, 'clients' | 'mayRestart'>;

/** From one of the phases on. What fails is taken back. */
async function forward(
  host: UpgradeHost,
  begun: EngineTransaction,
  wish: ForwardWish,
  from: EnginePhase,
): Promise<EngineOutcome> {
  let transaction = begun;
  const { id, changes } = begun;
  const enter = async (phase: EnginePhase): Promise<void> => {
    const isFirst = phase === 'restarting' && transaction.restartedAt === undefined;
    const restartedAt = isFirst ? host.now().toISOString() : transaction.restartedAt;
    const phases = [...transaction.phases, phase];
    const hasStopped = transaction.hasStopped || (phase === 'restarting' && wish.mayRestart);
    transaction = await writeEngineTransaction(host.state, {
      ...transaction,
      phases,
      restartedAt,
      hasStopped,
    });
  };
  try {
    if (from === 'unpacking') {
      await enter('unpacking');
      host.log.info('engine: the packages are replaced; what runs goes on');
      await host.install(id, changes, 'new');
      const problem = await host.configProblem();
      if (problem !== undefined) throw new Error(`the new dockerd refuses daemon.json: ${problem}`);
    }
    if (from !== 'holding') {
      await enter('restarting');
      host.log.info('engine: its daemons are restarted');
      await host.restart(changes);
    }
    await host.startEnded(ranIn(begun), transaction.hasStopped);
    const asNew = { ...wish, side: 'to' } as const;
    const problems = await becomesWell(host, transaction, asNew);
    if (problems.length > 0) throw new Error(problems.join('; '));
    await enter('holding');
    await holdOut(host, transaction, { ...asNew, mayRestart: true });
  } catch (error) {
    // A host that shuts down ends Docker at the same time: that says nothing of the new one.
    if (host.isStopping()) throw new InterruptedError('a signal');
    return takeEngineBack(host, transaction, messageOf(error), wish);
  }
  return finish(host, transaction);
}

/** Watches it for a while: some faults of a new engine show late. */
async function holdOut(
  host: UpgradeHost,
  transaction: EngineTransaction,
  how: Expected & EngineWish,
): Promise<void> {
  const until = host.now().getTime() + how.holdSeconds * 1000;
  if (how.holdSeconds > 0) host.log.info(`engine: it works; watched for ${how.holdSeconds} s`);
  while (host.now().getTime() < until) {
    const leftSeconds = (until - host.now().getTime()) / 1000;
    await host.pause(Math.min(BETWEEN_LOOKS_SECONDS, leftSeconds));
    if (host.isStopping()) throw new InterruptedError('a signal');
    if ((await problemsOf(host, transaction, how)).length === 0) continue;
    const problems = await becomesWell(host, transaction, how);
    if (problems.length > 0) throw new Error(problems.join('; '));
  }
}

async function finish(host: UpgradeHost, transaction: EngineTransaction): Promise<EngineOutcome> {
  const { changes } = transaction;
  const left = await endLiveRestoreQuietly(host, transaction);
  // An installation ends the hold of what it installs.
  await tryQuietly(host, () => host.hold(heldIn(changes, 'to')));
  await endUpgrade(host.state, transaction, host.now());
  await tryQuietly(host, () => keepWhatIsOfUse(host));
  const shown = await host.view().then(
    ({ version }) => version,
    () => dockerdIn(changes, 'to') ?? 'the new one',
  );
  return {
    state: 'done',
    summary: `the engine is ${shown} now, and works; way back: orchestrator-update engine rollback${left}`,
    changes,
    problems: [],
  };
}
