import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { masked } from '../core/secret-values.ts';
import { heldBack } from '../schedule.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { short } from '../outcome.ts';
import { quickLook, type QuickLook } from '../quick-look.ts';
import { files } from '../state-names.ts';
import type { ApprovalStatus } from './approval-status.ts';
import { openContext, openDoor } from './context.ts';

/** What keeps every update from being applied until a person sees to it. */
interface Trouble {
  /** Why an operator is needed. */
  readonly needsOperator?: string;
  /** The transaction that was cut off. */
  readonly unfinished?: string;
}

/** `check`: whether an update is waiting, or a person is needed. Changes nothing. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const trouble = await readTrouble(invocation);
  const look = await lookOnce(invocation).catch((error: unknown) => {
    // That a person is needed is known without the remote.
    if (trouble !== undefined) return undefined;
    throw error;
  });
  const images = look === undefined ? null : await imagesThatWait(invocation, look);
  const isWaiting = look !== undefined && (look.tip !== look.deployed || images !== null);
  const facts = {
    waiting: isWaiting,
    deployed: look?.deployed,
    tip: look?.tip,
    quarantineReason: look?.quarantineReason,
    images: images ? { id: images.id, approved: images.approved !== null } : undefined,
    ...trouble,
  };
  const lines = [
    ...(trouble === undefined ? [] : [troubleText(trouble)]),
    ...(look === undefined ? [] : [lookText(look, images)]),
  ];
  const text = invocation.json ? JSON.stringify(facts, undefined, 2) : lines.join('\n');
  process.stdout.write(`${text}\n`);
  if (trouble !== undefined) return exitCodes.operator;
  return isWaiting ? exitCodes.waiting : exitCodes.done;
}

/** An update that is under way, and seen to, is none. */
async function readTrouble({ settings }: Invocation): Promise<Trouble | undefined> {
  const at = (name: string): string => join(settings.stateDirectory, name);
  if (![files.needsOperator, files.active].some((name) => existsSync(at(name)))) return undefined;
  const { readActive, readAllWithMaterial, readNeedsOperator, secretsOfReleases } =
    await import('../records.ts');
  const { openStateFiles } = await import('../host/state-files.ts');
  const state = openStateFiles(settings.stateDirectory);
  const latched = await readNeedsOperator(state);
  if (latched !== undefined) {
    const secrets = secretsOfReleases(await readAllWithMaterial(state));
    return { needsOperator: masked(latched.reason, secrets) };
  }
  const active = await readActive(state);
  const { isAtWork } = await import('../host/lock.ts');
  return active === undefined || isAtWork(at(files.lock)) ? undefined : { unfinished: active.id };
}

function troubleText({ needsOperator, unfinished }: Trouble): string {
  return needsOperator === undefined
    ? `an update was cut off and is not finished or taken back yet (${unfinished}): orchestrator-update recover`
    : `an operator is needed: ${needsOperator}: orchestrator-update status; when the cluster is well: orchestrator-update acknowledge`;
}

function lookText(look: QuickLook, images: ApprovalStatus | null): string {
  if (look.tip !== look.deployed) {
    return `an update is waiting: ${short(look.deployed)} → ${short(look.tip)}${heldText(look)}`;
  }
  if (images === null) return `up to date: ${short(look.tip)}`;
  const what = images.approved === null ? 'wait for approval' : 'are approved, and wait for a run';
  return `new images of ${short(look.tip)} ${what} (${images.id}): ${images.next}`;
}

function heldText({ config, hold, quarantineReason }: QuickLook): string {
  if (quarantineReason !== undefined) return ` (quarantined: ${quarantineReason})`;
  const back = heldBack(hold, config.schedule, { now: new Date(), isAutomatic: true });
  return back === undefined ? '' : ` (${back.why})`;
}

/** The plan that brings images at the commit that is deployed, and waits; null where none does. */
async function imagesThatWait(
  { settings }: Invocation,
  { config, deployed, tip }: QuickLook,
): Promise<ApprovalStatus | null> {
  if (tip !== deployed || config.images.mode !== 'builtin') return null;
  const names = [files.awaiting, files.approval];
  if (!names.some((name) => existsSync(join(settings.stateDirectory, name)))) return null;
  const { approvalStatus } = await import('./approval-status.ts');
  const { openStateFiles } = await import('../host/state-files.ts');
  const state = openStateFiles(settings.stateDirectory);
  return approvalStatus(state, { from: deployed, to: tip });
}

async function lookOnce(invocation: Invocation): Promise<QuickLook> {
  const quick = await quickLook(invocation.settings, invocation.environment);
  return quick ?? lookAround(invocation);
}

/** Before the first run nothing is recorded: the work tree tells what is deployed. */
async function lookAround(invocation: Invocation): Promise<QuickLook> {
  const { config, host } = await openContext(invocation, openDoor(invocation.environment));
  const { readDeployed, readHold, readQuarantine } = await import('../records.ts');
  const tip = await host.git.tip();
  const known = await readDeployed(host.state);
  const deployed = known?.commit ?? (await host.git.head()).commit;
  const quarantined = (await readQuarantine(host.state)).find(({ commit }) => commit === tip);
  const hold = await readHold(host.state);
  const quarantineReason = quarantined?.reason;
  return { config, deployed, tip, quarantineReason, hold, images: undefined };
}
