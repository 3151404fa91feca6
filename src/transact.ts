import type { Config } from './config/schema.ts';
import { fingerprintOf, type Fingerprint } from './core/observe.ts';
import { sameValue } from './core/canonical-json.ts';
import { own } from './core/own.ts';
import { recreatedServices } from './core/contents.ts';
import { withImageVolumes } from './core/image-volumes.ts';
import { changeText, imagesText } from './core/moved-image.ts';
import { keptImages, type Plan, type Step } from './core/plan.ts';
import { forgetApproval } from './approval-records.ts';
import type { Proposal } from './detect.ts';
import { downtimeNote, measureDowntime } from './downtime.ts';
import { ChangedMeanwhileError, messageOf } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Host } from './host/host.ts';
import { quarantineImages, settleImageQuarantine } from './image-records.ts';
import { imageIds, volumesOfImages } from './images.ts';
import { raiseIfPossible } from './notices.ts';
import { enter, takeSteps, type Running } from './journalling.ts';
import { short, type Outcome } from './outcome.ts';
import {
  closeTransaction,
  liftQuarantine,
  openTransaction,
  quarantine,
  writeDeployed,
  type Material,
  type Quarantined,
} from './records.ts';
import { causeOf, rollBack } from './roll-back.ts';
import { applyStep } from './steps.ts';
import { dropRestored, refuseWithoutRoomBack, replacedText } from './swap.ts';
import { targetOf } from './target.ts';
import { holdTowers, letTowersGoOn } from './towers.ts';
import { tidy } from './tidy.ts';
import { tryTo } from './try-to.ts';
import { takeBaseline, verify } from './verify.ts';
import { isAnybodyTold } from './watch-config.ts';

/** How a proposal is carried out. */
export interface Order {
  /** Of the transaction. */
  readonly id: string;
  /** Asks once more whether it may be, when its images are here; nobody is asked where it is absent. */
  readonly ask?: (known: Proposal) => Promise<Outcome | undefined>;
}

/**
 * Carries a proposal out: prepare, arm, apply, verify, commit; or back to the old release, whole
 * and verified.
 *
 * @throws what went wrong before the barrier; nothing was touched then
 */
export async function transact(
  host: Host,
  config: Config,
  proposal: Proposal,
  order: Order,
): Promise<Outcome> {
  try {
    const isHeld = await holdTowers(host, config, proposal);
    if (isHeld) await refuseChanged(host, proposal);
    return await carryOut(host, config, proposal, order);
  } finally {
    await letTowersGoOn(host, config);
  }
}

/** What a Watchtower has made anew since the plan was made would be taken back wrongly. */
async function refuseChanged(host: Host, { oldFingerprint }: Proposal): Promise<void> {
  const now = fingerprintOf(await host.engine.containers());
  const names = [...new Set([...Object.keys(oldFingerprint), ...Object.keys(now)])];
  const changed = names.filter((name) => !sameValue(own(oldFingerprint, name), own(now, name)));
  if (changed.length > 0) throw new ChangedMeanwhileError(changed);
}

async function carryOut(
  host: Host,
  config: Config,
  proposal: Proposal,
  order: Order,
): Promise<Outcome> {
  const prepared = await prepare(host, config, proposal, order);
  if ('result' in prepared) return prepared;
  try {
    await apply(host, config, prepared);
    await verifyNew(host, config, prepared);
  } catch (error) {
    return rollBack(host, config, prepared, await causeOf(host, error, prepared));
  }
  return commit(host, config, prepared);
}

/** Everything that does not touch a running container. On failure it leaves no trace. */
async function prepare(
  host: Host,
  config: Config,
  proposal: Proposal,
  { id, ask }: Order,
): Promise<Running | Outcome> {
  const { plan, staging } = proposal;
  const baseline = await takeBaseline(host, config, proposal.oldModel);
  for (const { subject, problem } of baseline.findings) {
    host.log.warn(`already before the update: ${subject} ${problem}`);
  }
  const material: Material = {
    plan,
    oldModel: proposal.oldModel,
    newModel: proposal.newModel,
    oldFingerprint: proposal.oldFingerprint,
    newFingerprint: {},
    baseline: baseline.subjects,
    endedBefore: baseline.endedBefore,
  };
  await host.state.reserve();
  if (await isAnybodyTold(host.state, config.notify.targets))
    await raiseIfPossible(host.state, { kind: 'transaction', id, atMs: host.now().getTime() });
  await openTransaction(host.state, id, material);
  try {
    await enter(host, id, 'PREPARING');
    host.announce();
    const incarnation = await host.engine.incarnation();
    const running = { id, material, staging, incarnation };
    await takeSteps(
      host,
      config,
      running,
      'PREPARING',
      plan.prepare.filter((step) => !isBackup(step)),
    );
    const waiting = await ask?.(await withImagesHere(host, proposal));
    if (waiting) {
      await abort(host, config, running, waiting.summary);
      return waiting;
    }
    // What could not be removed of an earlier one, on a disk that failed, would take the room of this one.
    await tryTo(host, () => host.backups.sweep());
    await takeSteps(host, config, running, 'PREPARING', plan.prepare.filter(isBackup));
    if (plan.dataBack !== undefined) await refuseWithoutRoomBack(host, config, plan.dataBack);
    const armed = { ...material, newFingerprint: await fingerprintToBe(host, proposal) };
    await openTransaction(host.state, id, armed);
    await host.git.dropStagings();
    await host.barrier();
    await enter(host, id, 'ARMED');
    host.progress('everything a rollback needs is on disk');
    return { id, material: armed, incarnation, meter: await measureDowntime(host) };
  } catch (error) {
    // Where even that fails (a full disk), the next run does it; what went wrong first is reported.
    await tryTo(host, () => abort(host, config, { id, material }, messageOf(error)));
    throw error;
  }
}

const isBackup = ({ do: what }: Step): boolean => what === 'backup';

/** Some risks show only when the images of the new release are here. */
async function withImagesHere(host: Host, proposal: Proposal): Promise<Proposal> {
  const { plan, newModel } = proposal;
  if (plan.verdict === 'nothing') return proposal;
  const ids = await imageIds(host, newModel);
  const volumes = await volumesOfImages(host, newModel, await host.engine.containers(), ids);
  return { ...proposal, plan: withImageVolumes(plan, newModel, volumes) };
}

/** Undoes what was prepared. The cluster was not touched, so there is nothing to verify. */
export async function abort(
  host: Host,
  config: Config,
  running: Running,
  note: string,
): Promise<void> {
  host.shieldFromSignals();
  const { id, material } = running;
  const images = keptImages(material.plan);
  const context = { host, config, material, id };
  await tryTo(host, () => applyStep({ do: 'restore-images', images }, context));
  await tryTo(host, () => dropRestored(host, id));
  for (const step of material.plan.prepare) {
    if (step.do === 'backup') await tryTo(host, () => host.backups.removePartial(step.name));
  }
  await tryTo(host, () => host.git.dropStagings());
  await enter(host, id, 'ABORTED', { note });
  await closeTransaction(host.state);
  host.obeySignals();
}

async function apply(host: Host, config: Config, running: Running): Promise<void> {
  await enter(host, running.id, 'APPLYING');
  await takeSteps(host, config, running, 'APPLYING', running.material.plan.apply);
}

/** Judges the new release; throws when it is not healthy. */
export async function verifyNew(
  host: Host,
  config: Config,
  { id, material }: Running,
): Promise<void> {
  await enter(host, id, 'VERIFYING');
  host.log.info('verify the new release', { run: id, phase: 'VERIFYING' });
  const known = await verify(host, config, targetOf(material, 'new'));
  for (const { subject, problem } of known) {
    host.log.warn(`still as before the update: ${subject} ${problem}`);
  }
}

/** Makes the new release the one this host is at. Can be repeated; only forward from here. */
export async function commit(host: Host, config: Config, running: Running): Promise<Outcome> {
  host.shieldFromSignals();
  const { id, material } = running;
  const { plan } = material;
  await host.barrier();
  await enter(host, id, 'COMMITTING', await downtimeNote(running, 'new'));
  await writeDeployed(host.state, {
    commit: plan.to,
    at: host.now().toISOString(),
    transaction: id,
    repository: host.git.directory,
    ...(plan.pins === undefined ? {} : { pins: plan.pins.to }),
  });
  if (plan.moved === undefined) await liftQuarantine(host.state, plan.to);
  else await settleImageQuarantine(host.state, plan.moved);
  await forgetApproval(host.state);
  // A person left this release on purpose: the timer must not bring it back.
  const isLeft = plan.kind === 'rollback' && plan.from !== plan.to;
  if (isLeft) await quarantine(host.state, leftByHand(host, plan, id));
  if (plan.left !== undefined)
    await quarantineImages(host.state, plan.left, {
      reason: 'a person went back from it',
      at: host.now().toISOString(),
      transaction: id,
    });
  await enter(host, id, 'COMMITTED');
  // Before it is closed: cut off in between, the next run finishes it.
  await tidy(host, config, plan);
  await closeTransaction(host.state);
  host.obeySignals();
  return {
    result: 'updated',
    exitCode: exitCodes.done,
    summary: await summaryOf(host, plan, id),
    from: plan.from,
    to: plan.to,
    transaction: id,
  };
}

async function summaryOf(host: Host, plan: Plan, id: string): Promise<string> {
  const { kind, from, to, restores, reasons } = plan;
  if (restores !== undefined) {
    // It is done, whatever can be told of it.
    const kept = await replacedText(host, id).catch(messageOf);
    return `restored ${short(to)} with the data of ${restores}, and verified; ${kept ?? ''}`;
  }
  if (plan.left !== undefined)
    return `rolled back by hand: ${imagesText(plan.left)} of before, at ${short(to)}, and verified`;
  const done = kind === 'update' ? 'updated' : 'rolled back by hand';
  const what =
    plan.moved === undefined ? ` from ${short(from)} to ${short(to)}` : ` ${changeText(plan)}`;
  return `${done}${what} and verified: ${reasons.join('; ')}`;
}

function leftByHand(host: Host, plan: Plan, id: string): Quarantined {
  const at = host.now().toISOString();
  return {
    commit: plan.from,
    reason: `a person went back to ${short(plan.to)}`,
    at,
    transaction: id,
    ...(plan.effects === undefined ? {} : { effect: plan.effects.from }),
  };
}

/** What the new release's containers will look like: image IDs are known once all are pulled. */
async function fingerprintToBe(host: Host, proposal: Proposal): Promise<Fingerprint> {
  if (proposal.plan.verdict === 'nothing') return proposal.oldFingerprint;
  const { hashes } = proposal;
  const containers = await host.engine.containers();
  const left = new Set(proposal.plan.leave);
  const anew = new Set(recreatedServices(proposal.plan.changes));
  // What gets its old meaning back has another one until then.
  const restored = new Map(
    proposal.plan.apply.flatMap((step) =>
      step.do === 'restore-images' ? step.images.map(({ service, id }) => [service, id]) : [],
    ),
  );
  const entries = await Promise.all(
    Object.entries(proposal.newModel.services).map(async ([name, { image }]) => {
      const imageId =
        restored.get(name) ?? (image === undefined ? undefined : await host.engine.imageId(image));
      const old = containers.find(({ service }) => service === name && anew.has(name));
      const notId = old === undefined ? {} : { notId: old.id };
      const asItIs = left.has(name) ? proposal.oldFingerprint[name] : undefined;
      if (asItIs) return [name, asItIs] as const;
      return [name, { hash: hashes[name] ?? '', imageId: imageId ?? '', ...notId }] as const;
    }),
  );
  return Object.fromEntries(entries);
}
