import type { Config } from './config/schema.ts';
import {
  isFinal,
  lastNote,
  recoveryFor,
  stateOf,
  type Observation,
  type State,
} from './core/journal.ts';
import { classify, withData } from './core/observe.ts';
import { pullableDigest } from './core/moved-image.ts';
import { keptImages } from './core/plan.ts';
import { messageOf, OperatorError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { thaw } from './freeze.ts';
import type { Host } from './host/host.ts';
import type { Running } from './journalling.ts';
import { short, type Outcome } from './outcome.ts';
import { readActive, readMaterial, writeNeedsOperator } from './records.ts';
import { causeOf, EngineAwayError, giveUp, rollBack } from './roll-back.ts';
import { settle, sweep } from './settle.ts';
import { applyStep } from './steps.ts';
import { files } from './state-names.ts';
import { dataIs } from './swap.ts';
import { targetOf } from './target.ts';
import { tryTo } from './try-to.ts';
import { holdTowersAgain, letTowersGoOn } from './towers.ts';
import { tidy } from './tidy.ts';
import { abort, commit, verifyNew } from './transact.ts';

/**
 * Finishes or takes back what a run left unfinished: one that was killed, cut off by a power
 * failure or ended by a time-out. The journal says what was meant; what really runs decides.
 *
 * @returns undefined when there was nothing to recover
 */
export async function recover(host: Host, config: Config): Promise<Outcome | undefined> {
  try {
    await thaw(host, config);
    return await recoverTransaction(host, config);
  } finally {
    await letTowersGoOn(host, config);
  }
}

async function recoverTransaction(host: Host, config: Config): Promise<Outcome | undefined> {
  const transaction = await readActive(host.state);
  const material = transaction && (await readMaterial(host.state, transaction.id));
  if (!transaction || !material) {
    await forget(host);
    return undefined;
  }
  const { id, entries } = transaction;
  const running: Running = { id, material };
  const isUp = await host.engine.waitUntilUp(config.timeouts.docker_seconds);
  // With Docker, a Watchtower that was paused has started again.
  if (isUp && !isFinal(stateOf(entries))) await holdTowersAgain(host, config, material);
  const observed = isUp ? await observe(host, running, stateOf(entries)) : 'ENGINE-DOWN';
  const recovery = recoveryFor(entries, observed);
  const state = stateOf(entries);
  host.log.warn(
    `an earlier run was cut off in ${state}; the host is ${observed}: ${recovery.action}`,
    {
      run: id,
      phase: state,
      event: 'recovered',
    },
  );
  switch (recovery.action) {
    case 'wait for the engine':
      throw new EngineAwayError();
    case 'none':
      if (state === 'COMMITTED') await tidy(host, config, running.material.plan);
      await host.state.remove(files.active);
      return undefined;
    case 'abort':
      return aborted(host, config, running, state);
    case 'commit':
      await standUp(host, running, 'new');
      return commit(host, config, running);
    case 'verify new':
      return verifyAgain(host, config, running);
    case 'roll back':
      return rollBack(host, config, running, {
        blame: 'crash',
        reason: lastNote(entries) ?? `the run was cut off in ${state}`,
        attempt: recovery.attempt,
      });
    case 'give up':
      return giveUp(host, running, recovery.reason);
  }
}

/**
 * A pointer without material is what is left of a run that was cut off before its first line, when
 * nothing had been done. With lines behind it, the way back is lost, and a person has to look.
 */
async function forget(host: Host): Promise<void> {
  const id = (await host.state.read(files.active))?.trim();
  if (id === undefined) return;
  const lines = /^[\w-]+$/.test(id)
    ? await host.state.lines(`${files.transactions}/${id}/journal`)
    : [];
  if (lines.length > 0) {
    const reason = `the files of the unfinished update ${id} are damaged`;
    await writeNeedsOperator(host.state, { reason, at: host.now().toISOString(), transaction: id });
  }
  await host.state.remove(files.active);
  if (lines.length > 0) {
    throw new OperatorError(
      `the files of the unfinished update ${id} are damaged: it can be neither finished nor taken back`,
      `${host.compose.recipe()}; when the cluster is well: orchestrator-update acknowledge`,
      exitCodes.operator,
    );
  }
}

async function aborted(
  host: Host,
  config: Config,
  running: Running,
  state: string,
): Promise<Outcome> {
  const { from, to } = running.material.plan;
  const { id, material } = running;
  const images = keptImages(material.plan);
  // First: what stands up again is made of what its name means.
  await tryTo(host, () =>
    applyStep({ do: 'restore-images', images }, { host, config, material, id }),
  );
  if (state === 'PREPARING') await dropUnsynced(host, running);
  await standUp(host, running, 'old');
  await abort(host, config, running, `the run was cut off in ${state}`);
  return {
    result: 'rolled back',
    exitCode: exitCodes.done,
    summary: `the update to ${short(to)} was cut off before anything was touched; ${short(from)} runs`,
    from,
    to,
    transaction: running.id,
  };
}

/**
 * What cut the run off may have stopped containers, too: a dockerd that was killed leaves those ended
 * that are not to be restarted always. Where that fails, the release is judged as it is.
 */
async function standUp(host: Host, running: Running, release: 'old' | 'new'): Promise<void> {
  const target = targetOf(running.material, release);
  const down = (await host.engine.containers()).filter(
    ({ service, state }) => state !== 'running' && !running.material.endedBefore.includes(service),
  );
  if (down.length === 0) return;
  host.log.warn(`not running: ${down.map(({ name }) => name).join(', ')}; they are brought up`);
  try {
    await sweep(host);
    await settle(host, target, { mayRestartEngine: true });
  } catch (error) {
    host.log.error(`they do not come up: ${messageOf(error)}`);
  }
}

/**
 * Images that were being pulled when the power went may have layers that are not on the disk, which
 * Docker takes for whole. They are pulled again; one that was there before, or is in use, stays.
 */
async function dropUnsynced(host: Host, { material }: Running): Promise<void> {
  const kept = new Set(keptImages(material.plan).map(({ reference }) => reference));
  const used = new Set((await host.engine.containers()).map(({ imageId }) => imageId));
  const pulled = material.plan.prepare.flatMap((step) => (step.do === 'pull' ? step.images : []));
  for (const reference of pulled) {
    const id = await host.engine.imageId(reference);
    if (id === undefined || kept.has(reference) || used.has(id)) continue;
    host.log.info(`${reference} may not be whole on the disk: it is pulled again`);
    await host.engine.dropImage(reference);
  }
  // Its name is another's again.
  for (const exact of (material.plan.moved ?? []).map(pullableDigest)) {
    const id = await host.engine.imageId(exact);
    if (id !== undefined && !used.has(id)) await host.engine.dropImage(exact);
  }
}

/** Where that cannot be known, neither release is: the way back says what is wrong. */
async function dataSeen(host: Host, id: string): Promise<'in' | 'out' | 'mixed'> {
  return dataIs(host, id).catch((error: unknown) => {
    host.log.error(messageOf(error));
    return 'mixed';
  });
}

/** The new release stands; the whole gate is passed again before it is believed. */
async function verifyAgain(host: Host, config: Config, running: Running): Promise<Outcome> {
  try {
    await standUp(host, running, 'new');
    await verifyNew(host, config, running);
  } catch (error) {
    return rollBack(host, config, running, await causeOf(host, error, running));
  }
  return commit(host, config, running);
}

async function observe(host: Host, { id, material }: Running, state: State): Promise<Observation> {
  // A work tree that git cannot read any more is neither release: the way back mends it.
  const head = await host.git.head().catch(() => ({ commit: '' }));
  const containers = await host.engine.containers();
  const { plan, oldFingerprint, newFingerprint } = material;
  const observed = classify(
    containers,
    head.commit,
    { commit: plan.from, fingerprint: oldFingerprint },
    { commit: plan.to, fingerprint: newFingerprint },
  );
  if (plan.restores !== undefined) {
    const seen = withData(observed, plan, await dataSeen(host, id));
    // Whether everybody was stopped when the data changed places is not to be seen.
    return seen === 'NEW' && state === 'APPLYING' ? 'MIXED' : seen;
  }
  // A restart or a signal leaves no trace that tells whether it was done.
  const isTraceless = plan.apply.some(({ do: what }) => what === 'restart' || what === 'signal');
  return observed === 'NEW' && state === 'APPLYING' && isTraceless ? 'MIXED' : observed;
}
