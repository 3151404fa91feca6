import type { Invocation } from '../cli.ts';
import { heldBack } from '../schedule.ts';
import type { ExitCode } from '../exit-codes.ts';
import { chooseStream, createQuickLog } from '../host/log.ts';
import { heldFor, heldByQuarantine, nothingToDo, short, type Outcome } from '../outcome.ts';
import { quickLook } from '../quick-look.ts';
import { isAutomatic } from './automatic.ts';
import { fail } from './fail.ts';
import { openContext, openDoor, rememberConfig, withLock, type Door } from './context.ts';
import { reportOutcome } from './report-outcome.ts';

/** `run`: one execution of the updater. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  if (invocation.flags['dry-run'] === true) {
    const plan = await import('./plan.ts');
    return plan.run(invocation);
  }
  const door = openDoor(invocation.environment);
  try {
    return await withLock(invocation, async () => {
      const quick =
        invocation.flags['force'] === true ? undefined : await lookQuickly(invocation, door);
      return quick ?? (await runWhole(invocation, door));
    });
  } catch (error) {
    return fail(error, invocation, door);
  }
}

/** Most runs end here: one `ls-remote`, nothing to do. */
async function lookQuickly(invocation: Invocation, door: Door): Promise<ExitCode | undefined> {
  const look = await quickLook(invocation.settings, invocation.environment, door.stop.signal());
  if (!look) return undefined;
  const { config, deployed, tip, quarantineReason } = look;
  const outcome = quickOutcome();
  if (!outcome) return undefined;
  const log = createQuickLog({ stream: chooseStream(invocation.environment), debug: false });
  return reportOutcome(outcome, invocation, { log, notifier: door.notifier });

  function quickOutcome(): Outcome | undefined {
    if (tip === deployed) {
      return nothingToDo(
        `nothing to do: ${config.project_name} is at ${short(tip)}, the tip of ${config.branch}`,
      );
    }
    const back = heldBack(look?.hold, config.schedule, {
      now: new Date(),
      isAutomatic: isAutomatic(invocation),
    });
    if (back) return heldFor(tip, back);
    return quarantineReason === undefined
      ? undefined
      : heldByQuarantine(config.branch, tip, quarantineReason);
  }
}

async function runWhole(invocation: Invocation, door: Door): Promise<ExitCode> {
  const context = await openContext(invocation, door);
  const { update } = await import('../update.ts');
  await rememberConfig(invocation, context.config);
  try {
    const options = {
      force: invocation.flags['force'] === true,
      isAutomatic: isAutomatic(invocation),
    };
    const outcome = await update(context.host, context.config, options);
    context.statusLine.clear();
    return await reportOutcome(outcome, invocation, context);
  } finally {
    context.statusLine.clear();
  }
}
