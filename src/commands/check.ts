import type { Invocation } from '../command-table.ts';
import { heldBack } from '../schedule.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { short } from '../outcome.ts';
import { quickLook, type QuickLook } from '../quick-look.ts';
import { openContext, openDoor } from './context.ts';

/** `check`: whether an update is waiting. Changes nothing. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const look =
    (await quickLook(invocation.settings, invocation.environment)) ??
    (await lookAround(invocation));
  const isWaiting = look.tip !== look.deployed;
  const text = isWaiting
    ? `an update is waiting: ${short(look.deployed)} → ${short(look.tip)}${heldText(look)}`
    : `up to date: ${short(look.tip)}`;
  const { deployed, tip, quarantineReason } = look;
  const facts = { waiting: isWaiting, deployed, tip, quarantineReason };
  process.stdout.write(invocation.json ? `${JSON.stringify(facts, undefined, 2)}\n` : `${text}\n`);
  return isWaiting ? exitCodes.waiting : exitCodes.done;
}

function heldText({ config, hold, quarantineReason }: QuickLook): string {
  if (quarantineReason !== undefined) return ` (quarantined: ${quarantineReason})`;
  const back = heldBack(hold, config.schedule, { now: new Date(), isAutomatic: true });
  return back === undefined ? '' : ` (${back.why})`;
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
