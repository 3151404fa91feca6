import type { Invocation } from '../command-table.ts';
import type { Config } from '../config/schema.ts';
import { isLookDue } from '../core/image-due.ts';
import { messageOf } from '../errors.ts';
import { heldBack } from '../schedule.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { hasPulse } from '../host/engine-pulse.ts';
import { systemdRuns } from '../host/systemd-runs.ts';
import { chooseStream, createQuickLog, type Log } from '../host/log.ts';
import { heldFor, heldByQuarantine, isIdle, nothingToDo, short, type Outcome } from '../outcome.ts';
import { quickLook, type QuickLook } from '../quick-look.ts';
import { isAutomatic } from './automatic.ts';
import { badBackup, isVerificationDue, remindOfBackup } from './bad-backup.ts';
import { isEngineCheckDue } from './engine-check.ts';
import { fail } from './fail.ts';
import {
  isEngineCutOff,
  isEngineToBeMended,
  openContext,
  openDoor,
  rememberConfig,
  withLock,
  type Door,
} from './context.ts';
import { publishFailure } from './publish.ts';
import { reportOutcome } from './report-outcome.ts';
import { raiseRecovery } from './tell.ts';

/** `run`: one execution of the updater. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  if (invocation.flags['dry-run'] === true) {
    const plan = await import('./plan.ts');
    return plan.run(invocation);
  }
  const door = openDoor(invocation.environment);
  try {
    const isBroken = async (): Promise<boolean> =>
      isEngineToBeMended(invocation) || !(await hasPulse(dockerSocket(invocation.environment)));
    if (isOfService(invocation) && systemdRuns() && (await isBroken())) {
      const { mendDeadEngine } = await import('./dead-engine.ts');
      await mendDeadEngine(invocation, door);
    }
    if (isEngineCutOff(invocation)) {
      const { engineFirst } = await import('./engine-first.ts');
      await engineFirst(invocation, door);
    }
    const exitCode = await withLock(invocation, () => runAndVerify(invocation, door));
    // What is wrong with the cluster comes first.
    const mayLook = isAutomatic(invocation) && systemdRuns();
    if (exitCode === exitCodes.done && mayLook) await lookForEngine(invocation);
    return exitCode;
  } catch (error) {
    await publishFailure(error, invocation, door);
    return fail(error, invocation, door);
  }
}

/** What a person started in a shell says that Docker is dead, and leaves the rest to that person. */
function isOfService({ environment, flags }: Invocation): boolean {
  return environment['INVOCATION_ID'] !== undefined || flags['auto'] === true;
}

/** In its own unit, after us: an upgrade takes the lock. */
async function lookForEngine(invocation: Invocation): Promise<void> {
  if (!isEngineCheckDue(invocation, new Date())) return;
  const { askForCheck } = await import('./ask-check.ts');
  await askForCheck(invocation).catch((error: unknown) => {
    const log = createQuickLog({ stream: chooseStream(invocation.environment), debug: false });
    log.warn(`whether a newer engine can be had is not known: ${messageOf(error)}`);
  });
}

/** An outcome that nobody was told of yet, and where to tell it. */
interface Ending {
  readonly outcome: Outcome;
  readonly config: Config;
  readonly log: Log;
}

async function runAndVerify(invocation: Invocation, door: Door): Promise<ExitCode> {
  const first = await bringUpToDate(invocation, door);
  // Nobody waits for what the timer has started.
  const mayVerify = isAutomatic(invocation) && isIdle(first.outcome);
  const { outcome, log } =
    mayVerify && isVerificationDue(invocation, first.config)
      ? await verifyThenLookAgain(invocation, door, first)
      : first;
  if (outcome.result !== 'bad backup') await remindOfBackup(invocation, log);
  await raiseRecovery(outcome, invocation);
  return reportOutcome(outcome, invocation, { log, notifier: door.notifier });
}

/**
 * Verifies what is due. Who types `systemctl start` meanwhile waits for the end of this run, and it may have
 * taken its time: so the branch is looked at once more.
 */
async function verifyThenLookAgain(
  invocation: Invocation,
  door: Door,
  first: Ending,
): Promise<Ending> {
  const unlessStopped = (error: unknown): void => {
    if (door.stop.requestedBy() !== undefined) throw error;
  };
  const bad = await verifyBackups(invocation, door).catch((error: unknown) => {
    unlessStopped(error);
    first.log.warn(`the backups could not be verified: ${messageOf(error)}`);
    return undefined;
  });
  const quick = await lookQuickly(invocation, door).catch((error: unknown) => {
    unlessStopped(error);
    // A remote that went away meanwhile leaves what is known of it.
    return first;
  });
  const last = quick ?? (await runWhole(invocation, door).catch(afterTelling(bad, first.log)));
  if (bad === undefined) return last;
  if (isIdle(last.outcome)) {
    last.log.info(last.outcome.summary);
    return { ...last, outcome: bad };
  }
  // An update is what it is, whatever was found before it.
  tell(bad, last.log);
  return last;
}

/** An update that fails, too, does not hide what was found before it. */
function afterTelling(bad: Outcome | undefined, log: Log): (error: unknown) => Promise<never> {
  return async (error) => {
    if (bad) tell(bad, log);
    await log.flush();
    throw error;
  };
}

function tell({ summary, next }: Outcome, log: Log): void {
  log.error(summary, { event: 'bad backup' });
  log.info(`next: ${next}`);
}

/** What is wrong with a backup; undefined where nothing is. */
async function verifyBackups(invocation: Invocation, door: Door): Promise<Outcome | undefined> {
  const { host, config, log, statusLine } = await openContext(invocation, door);
  const { verifyWhatIsDue } = await import('../verify-backups.ts');
  try {
    const verification = await verifyWhatIsDue(host, config);
    return verification && (await badBackup(invocation, verification));
  } finally {
    statusLine.clear();
    await log.flush();
  }
}

async function bringUpToDate(invocation: Invocation, door: Door): Promise<Ending> {
  const quick =
    invocation.flags['force'] === true ? undefined : await lookQuickly(invocation, door);
  return quick ?? (await runWhole(invocation, door));
}

/** Most runs end here: one `ls-remote`, nothing to do. */
async function lookQuickly(invocation: Invocation, door: Door): Promise<Ending | undefined> {
  const look = await quickLook(invocation.settings, invocation.environment, door.stop.signal());
  if (!look) return undefined;
  const { config, deployed, tip, quarantineReason } = look;
  const outcome = quickOutcome();
  if (!outcome) return undefined;
  const log = createQuickLog({ stream: chooseStream(invocation.environment), debug: false });
  return { outcome, config, log };

  function quickOutcome(): Outcome | undefined {
    const back = heldBack(look?.hold, config.schedule, {
      now: new Date(),
      isAutomatic: isAutomatic(invocation),
    });
    if (tip === deployed) {
      if (!back && look && areImagesDue(look, invocation)) return undefined;
      return nothingToDo(
        `nothing to do: ${config.project_name} is at ${short(tip)}, the tip of ${config.branch}`,
      );
    }
    if (back) return heldFor(tip, back);
    return quarantineReason === undefined
      ? undefined
      : heldByQuarantine(config.branch, tip, quarantineReason);
  }
}

/** Images that wait for a person, or failed, are told of by every run, as a release is. */
function areImagesDue({ images, config }: QuickLook, invocation: Invocation): boolean {
  if (images === undefined) return false;
  const { check_minutes: checkMinutes } = config.images;
  const isAsked = !isAutomatic(invocation);
  return images.isOpen || isLookDue(images.last, { checkMinutes, isAsked, nowMs: Date.now() });
}

async function runWhole(invocation: Invocation, door: Door): Promise<Ending> {
  const context = await openContext(invocation, door);
  const { update } = await import('../update.ts');
  await rememberConfig(invocation, context.config);
  try {
    const options = {
      force: invocation.flags['force'] === true,
      isAutomatic: isAutomatic(invocation),
      isInShell: !isOfService(invocation),
    };
    const outcome = await update(context.host, context.config, options);
    return { outcome, config: context.config, log: context.log };
  } finally {
    context.statusLine.clear();
  }
}
