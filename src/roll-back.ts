import { forgetApproval } from './approval-records.ts';
import type { Config } from './config/schema.ts';
import { MAX_FAILED_ROLLBACKS, MAX_ROLLBACK_ATTEMPTS } from './core/journal.ts';
import { backText, bringsSame, subjectText } from './core/moved-image.ts';
import { stepsBack, type Plan } from './core/plan.ts';
import { downtimeNote } from './downtime.ts';
import { messageOf, OperatorError, UnhealthyError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import { quarantineImages } from './image-records.ts';
import { enter, takeSteps, type Running } from './journalling.ts';
import { needsOperator, type Outcome } from './outcome.ts';
import {
  closeTransaction,
  quarantine,
  readTransactions,
  writeNeedsOperator,
  type Material,
} from './records.ts';
import { dropFailed } from './replaced-images.ts';
import { settle } from './settle.ts';
import { dropRestored, replacedText } from './swap.ts';
import { targetOf } from './target.ts';
import { holdTowersAgain, towersHeld } from './towers.ts';
import { tryTo } from './try-to.ts';
import { verify } from './verify.ts';

/** Why a release is left again. */
export interface Cause {
  /** The release itself, a crash of ours or of the host, or a signal from a person. */
  readonly blame: 'release' | 'crash' | 'signal';
  readonly reason: string;
  /** The number of this attempt, when earlier ones were cut off. From 1. */
  readonly attempt?: number;
}

/** Neither release can be seen or brought up. The transaction stays open for whoever comes when Docker is back. */
export class EngineAwayError extends OperatorError {
  override name = 'EngineAwayError';

  constructor() {
    super(
      'an update was cut off, and Docker does not answer, so it cannot be finished or taken back',
      'systemctl status docker containerd; when they run: orchestrator-update recover',
      exitCodes.operator,
    );
  }
}

/**
 * Brings the host back to the old release and verifies it: after a failed step, after a crash.
 * Needs no network. Cannot be interrupted by a signal.
 *
 * @throws {EngineAwayError} when Docker does not answer: whoever comes next goes on
 */
export async function rollBack(
  host: Host,
  config: Config,
  running: Running,
  cause: Cause,
): Promise<Outcome> {
  host.shieldFromSignals();
  // A disk that cannot be written must not keep the old release from being tried.
  await host.state.useReserve().catch((error: unknown) => {
    host.log.error(`the reserve cannot be given up: ${messageOf(error)}`);
  });
  const { plan } = running.material;
  host.log.error(`${subjectText(plan)} is taken back: ${cause.reason}`, {
    run: running.id,
    phase: 'ROLLING_BACK',
    commit: plan.to,
  });
  let problem = cause.reason;
  let stir: Stir | undefined;
  const first = cause.attempt ?? 1;
  const last = Math.min(first + MAX_FAILED_ROLLBACKS - 1, MAX_ROLLBACK_ATTEMPTS);
  for (let attempt = first; attempt <= last; attempt++) {
    await waitForDocker(host, config, running, problem);
    await enter(host, running.id, 'ROLLING_BACK', { attempt, note: problem });
    try {
      await goBack(host, config, running, stir);
      return await closeOr(host, running, cause);
    } catch (error) {
      problem = messageOf(error);
      if (error instanceof UnhealthyError) stir = stirs[attempt - first];
      host.log.error(
        `rolling back failed (${attempt - first + 1} of ${last - first + 1}): ${problem}`,
      );
    }
  }
  return giveUp(
    host,
    running,
    `${cause.reason}; and the old release did not come back: ${problem}`,
  );
}

/** Without Docker nothing can be tried: it is no attempt, however often a run comes to find it away. */
async function waitForDocker(
  host: Host,
  config: Config,
  { id }: Running,
  note: string,
): Promise<void> {
  if (await host.engine.waitUntilUp(0)) return;
  await enter(host, id, 'ROLLING_BACK', { step: 'wait for Docker', note });
  if (!(await host.engine.waitUntilUp(config.timeouts.docker_seconds))) throw new EngineAwayError();
}

/** More than to bring everything up, where that alone did not make the old release healthy. */
type Stir = (host: Host, material: Material) => Promise<void>;

/**
 * What is tried next. A Docker that was killed may come back with a container that runs, is healthy inside and
 * cannot be reached by its port (26.1.5, seen in 1 of 23 kills): to start it again gives it another
 * endpoint. A restart of Docker does that for all of them.
 */
const stirs: readonly Stir[] = [
  async (host) => {
    const running = (await host.engine.containers()).filter(({ state }) => state === 'running');
    const services = [...new Set(running.map(({ service }) => service))].toSorted();
    host.log.warn(`it is not healthy as it is: ${services.join(', ')} are restarted`);
    if (services.length > 0) await host.compose.restart(services);
  },
  async (host, material) => {
    host.log.warn('it is not healthy as it is: Docker is restarted');
    await host.engine.restart();
    await settle(host, targetOf(material, 'old'));
  },
];

async function goBack(
  host: Host,
  config: Config,
  running: Running,
  stir: Stir | undefined,
): Promise<void> {
  const { material } = running;
  await takeSteps(host, config, running, 'ROLLING_BACK', stepsBack(material.plan));
  await stir?.(host, material);
  if (stir) await holdTowersAgain(host, config, material);
  await enter(host, running.id, 'VERIFYING_ROLLBACK');
  host.log.info('verify the old release', { run: running.id, phase: 'VERIFYING_ROLLBACK' });
  await verify(host, config, targetOf(material, 'old'));
  await host.barrier();
}

/** What a restore had brought goes again; what a rollback put in its place stays, and is named. */
async function afterwards(host: Host, { id, material }: Running): Promise<void> {
  const { restores, dataBack } = material.plan;
  try {
    if (restores !== undefined) await dropRestored(host, id);
    const kept = dataBack === undefined ? undefined : await replacedText(host, id);
    if (kept !== undefined) host.log.warn(`the data of ${dataBack} is back; ${kept}`);
  } catch (error) {
    host.log.warn(`left undone: ${messageOf(error)}`);
  }
}

/** The old release runs and was verified. Where that cannot be written down, it is still true. */
async function closeOr(host: Host, running: Running, cause: Cause): Promise<Outcome> {
  try {
    await afterwards(host, running);
    const isQuarantined = await close(host, running, cause);
    return rolledBack(running, cause, isQuarantined);
  } catch (error) {
    host.log.error(
      `the outcome cannot be recorded: ${messageOf(error)}; the next run verifies again`,
    );
    return rolledBack(running, cause, false);
  } finally {
    host.obeySignals();
  }
}

/** The quarantine is written first: cut off in between, the bad release is not tried again. */
async function close(host: Host, running: Running, cause: Cause): Promise<boolean> {
  const { id, material } = running;
  const isQuarantined = await deservesQuarantine(host, running, cause);
  if (isQuarantined) {
    const at = host.now().toISOString();
    await quarantinePlan(host, material.plan, { reason: cause.reason, at, transaction: id });
    await tryTo(host, () => dropFailed(host, material.plan.moved ?? []));
  }
  // What was approved was tried: once more is for a person to say.
  await forgetApproval(host.state);
  const downtime = await downtimeNote(running, 'old');
  await enter(host, id, 'ROLLED_BACK', { note: cause.reason, ...downtime });
  await closeTransaction(host.state);
  return isQuarantined;
}

/** A release by its commit; where only images moved, these by their digests. */
async function quarantinePlan(
  host: Host,
  { to: commit, effects, moved }: Plan,
  why: { reason: string; at: string; transaction: string },
): Promise<void> {
  if (moved !== undefined) {
    const isSuspect = moved.length > 1 ? { isSuspect: true } : {};
    return quarantineImages(host.state, moved, { ...why, ...isSuspect });
  }
  const effect = effects === undefined ? {} : { effect: effects.to };
  return quarantine(host.state, { commit, ...why, ...effect });
}

function rolledBack(running: Running, cause: Cause, isQuarantined: boolean): Outcome {
  const { plan } = running.material;
  const wasStopped = cause.blame === 'signal';
  return {
    result: wasStopped ? 'interrupted' : 'rolled back',
    exitCode: wasStopped ? exitCodes.interrupted : exitCodes.rolledBack,
    summary: `${backText(plan)}: ${cause.reason}`,
    next: isQuarantined
      ? `mend it and push: ${subjectText(plan)} is quarantined (orchestrator-update run --force tries it again)`
      : 'the next run tries again',
    from: plan.from,
    to: plan.to,
    transaction: running.id,
  };
}

/** What compose and Docker say when one of them is ended from outside, or Docker is not whole. */
const ENDED_FROM_OUTSIDE =
  /was ended by SIG|Another git process seems to be running|Cannot connect to the Docker daemon|error during connect|\bEOF\b|containerd\.sock|Error while dialing|Docker does not answer/;

/** What any program says on a disk that is full, or that turned read-only. */
const OF_THE_HOST =
  /no space left|out of disk ?space|ENOSPC|quota exceeded|EDQUOT|read-only file system|EROFS/i;

/** With less than this free, whatever fails is taken for a failure of the disk. */
const HARDLY_ANY_BYTES = 32 * 1024 * 1024;

/** Programs have many words for a full disk; some have none. */
async function isDiskFull(host: Host): Promise<boolean> {
  const docker = await host.engine.facts().catch(() => undefined);
  const paths = [host.git.directory, ...(docker ? [docker.rootDirectory] : [])];
  const disks = await Promise.all(paths.map((path) => host.disk(path)));
  return disks.some((disk) => disk !== undefined && disk.freeBytes < HARDLY_ANY_BYTES);
}

/** What went wrong, and whose fault it is: a release is blamed only where Docker lived all the time. */
export async function causeOf(host: Host, error: unknown, running: Running): Promise<Cause> {
  const reason = messageOf(error);
  const signal = host.interruptedBy();
  if (signal !== undefined) return { blame: 'signal', reason: `stopped by ${signal}` };
  const isOfTheHost = OF_THE_HOST.test(reason) || ENDED_FROM_OUTSIDE.test(reason);
  if (isOfTheHost || (await isDiskFull(host))) return { blame: 'crash', reason };
  if (!(await host.engine.waitUntilUp(0))) return { blame: 'crash', reason };
  const { incarnation } = running;
  const hasRestarted =
    incarnation !== undefined && incarnation !== (await host.engine.incarnation());
  return hasRestarted
    ? { blame: 'crash', reason: `Docker was restarted meanwhile: ${reason}` }
    : { blame: 'release', reason };
}

/** A release is to blame, or a host that crashed with it twice; a person's stop never counts. */
async function deservesQuarantine(host: Host, running: Running, cause: Cause): Promise<boolean> {
  const { from, to, moved } = running.material.plan;
  // Only the data, or the images of before, were others: the release is the one that runs.
  if (from === to && moved === undefined) return false;
  if (cause.blame !== 'crash') return cause.blame === 'release';
  const earlier = (await readTransactions(host.state)).filter(
    ({ id, plan, entries }) =>
      id !== running.id &&
      bringsSame(plan, running.material.plan) &&
      entries.at(-1)?.state === 'ROLLED_BACK',
  );
  return earlier.length > 0;
}

/**
 * Latches: nothing is changed any more until a person says so. The latch is written first: a release that
 * is quarantined without it would be held after the next run has brought the old one back.
 */
export async function giveUp(host: Host, running: Running, reason: string): Promise<Outcome> {
  const { id, material } = running;
  const at = host.now().toISOString();
  await writeNeedsOperator(host.state, { reason, at, transaction: id });
  const { from, to, moved } = material.plan;
  if (from !== to || moved !== undefined)
    await quarantinePlan(host, material.plan, { reason, at, transaction: id });
  await forgetApproval(host.state);
  const downtime = await downtimeNote(running, 'old');
  await enter(host, id, 'NEEDS_OPERATOR', { note: reason, ...downtime });
  await closeTransaction(host.state);
  const held = await towersHeld(host.state).catch(() => []);
  const still = held.length > 0 ? `; ${held.join(', ')} stays paused until then` : '';
  return needsOperator(
    `an operator is needed: ${reason}${still}`,
    `${host.compose.recipe()}; look with docker compose ps and logs; when it is well: orchestrator-update acknowledge`,
    id,
  );
}
