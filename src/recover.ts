import type { Config } from './config/schema.ts';
import { lastNote, recoveryFor, stateOf, type Observation, type State } from './core/journal.ts';
import { classify } from './core/observe.ts';
import { OperatorError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import type { Running } from './journalling.ts';
import { short, type Outcome } from './outcome.ts';
import { readActive, readMaterial, writeNeedsOperator } from './records.ts';
import { causeOf, giveUp, rollBack } from './roll-back.ts';
import { files } from './state-names.ts';
import { abort, commit, verifyNew } from './transact.ts';

/** How long Docker may take to answer after a boot. */
const ENGINE_WAIT_SECONDS = 300;

/**
 * Finishes or takes back what a run left unfinished: one that was killed, cut off by a power
 * failure or ended by a time-out. The journal says what was meant; what really runs decides.
 *
 * @returns undefined when there was nothing to recover
 */
export async function recover(host: Host, config: Config): Promise<Outcome | undefined> {
  const transaction = await readActive(host.state);
  const material = transaction && (await readMaterial(host.state, transaction.id));
  if (!transaction || !material) {
    await forget(host);
    return undefined;
  }
  const { id, entries } = transaction;
  const running: Running = { id, material };
  const observed = await observe(host, running, stateOf(entries));
  const recovery = recoveryFor(entries, observed);
  const state = stateOf(entries);
  host.log.warn(
    `an earlier run was cut off in ${state}; the host is ${observed}: ${recovery.action}`,
    {
      run: id,
      phase: state,
    },
  );
  switch (recovery.action) {
    case 'none':
      await host.state.remove(files.active);
      return undefined;
    case 'abort':
      return aborted(host, running, state);
    case 'commit':
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
  const lines = await host.state.lines(`${files.transactions}/${id}/journal`);
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

async function aborted(host: Host, running: Running, state: string): Promise<Outcome> {
  const { from, to } = running.material.plan;
  await abort(host, running, `the run was cut off in ${state}`);
  return {
    result: 'rolled back',
    exitCode: exitCodes.done,
    summary: `the update to ${short(to)} was cut off before anything was touched; ${short(from)} runs`,
    from,
    to,
    transaction: running.id,
  };
}

/** The new release stands; the whole gate is passed again before it is believed. */
async function verifyAgain(host: Host, config: Config, running: Running): Promise<Outcome> {
  try {
    await verifyNew(host, config, running);
  } catch (error) {
    return rollBack(host, config, running, await causeOf(host, error));
  }
  return commit(host, config, running);
}

async function observe(host: Host, { material }: Running, state: State): Promise<Observation> {
  if (!(await host.engine.waitUntilUp(ENGINE_WAIT_SECONDS))) {
    throw new OperatorError(
      'an update was cut off, and Docker does not answer, so it cannot be finished or taken back',
      'systemctl status docker; when it runs: orchestrator-update recover',
      exitCodes.operator,
    );
  }
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
  // A restart or a signal leaves no trace that tells whether it was done.
  const isTraceless = plan.apply.some(({ do: what }) => what === 'restart' || what === 'signal');
  return observed === 'NEW' && state === 'APPLYING' && isTraceless ? 'MIXED' : observed;
}
