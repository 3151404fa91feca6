import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { readCachedConfig } from '../config/cached.ts';
import { isToBeTold, fileNameFor, type Draft, type Event } from '../core/notification.ts';
import { alarmAdvice, alarmText, type Verification } from '../core/verification.ts';
import { InterruptedError, messageOf, OperatorError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Outcome } from '../outcome.ts';
import type { NeedsOperator } from '../records.ts';
import { files } from '../state-names.ts';
import { isAutomatic } from './automatic.ts';

/** From so many runs of the timer in a row on that came to no outcome, somebody is told. */
const FAILURES_TOLD = 2;

/** Writes down what of an outcome is to be told. Whatever goes wrong with that changes no outcome. */
export async function raiseOutcome(outcome: Outcome, invocation: Invocation): Promise<void> {
  await whateverComes(async () => {
    const told = draftOf(outcome);
    if (told) await raiseOnce(told, invocation);
  });
}

/** How a transaction ended is told from its journal. */
function draftOf({ result, summary, next, remindOf, tells, transaction, from, to }: Outcome) {
  const common = {
    at: new Date().toISOString(),
    summary,
    ...(next === undefined ? {} : { next }),
    facts: { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) },
  };
  if (tells !== undefined) return { ...common, ...tells };
  const event = result === 'waiting' || result === 'held' ? result : undefined;
  if (event !== undefined && remindOf !== undefined) return { ...common, event, about: remindOf };
  if (result !== 'needs operator') return undefined;
  return { ...common, event: 'needs-operator' as const, about: `operator ${transaction ?? ''}` };
}

interface Failures {
  /** Of the first one. */
  readonly sinceMs: number;
  readonly count: number;
  readonly isTold: boolean;
}

/**
 * Writes down that a run came to no outcome. What may go away by itself is told when it has not; that a person is needed
 * is told at once. Of an update that was given up its journal tells.
 */
export async function raiseFailure(error: unknown, invocation: Invocation): Promise<void> {
  await whateverComes(async () => {
    if (!mayTell(invocation)) return;
    const isForeseen = error instanceof OperatorError;
    const exitCode = isForeseen ? error.exitCode : exitCodes.failed;
    if (exitCode === exitCodes.locked || exitCode === exitCodes.interrupted) return;
    const needsOperator = exitCode === exitCodes.operator;
    // Who sits at a terminal sees it.
    if (!needsOperator && !isAutomatic(invocation)) return;
    const before = readFailures(invocation);
    const count = (before?.count ?? 0) + 1;
    const sinceMs = before?.sinceMs ?? Date.now();
    const isInJournal = !needsOperator && hasUntoldTransaction(invocation);
    const isTold =
      isInJournal || needsOperator || count >= FAILURES_TOLD || before?.isTold === true;
    const failures: Failures = { sinceMs, count, isTold };
    if (isTold && !isInJournal) {
      const times = count > 1 ? ` (${count} times in a row, since ${isoOf(sinceMs)})` : '';
      const [first = '', ...output] = messageOf(error).split('\n');
      const draft = {
        event: needsOperator ? 'needs-operator' : 'failed',
        // That a person is needed is not told already with what was told of the failures before.
        about: `${needsOperator ? 'operator in ' : ''}failures ${sinceMs}`,
        at: new Date().toISOString(),
        summary: `${first}${times}`,
        output: output.filter((line) => line.trim() !== ''),
        next: isForeseen ? error.next : 'journalctl -u orchestrator-update -n 50',
      } as const;
      await raiseOnce(draft, invocation);
    }
    const { replaceFile } = await import('../host/state-files.ts');
    const file = join(invocation.settings.stateDirectory, files.failures);
    await replaceFile(file, `${JSON.stringify(failures)}\n`);
  });
}

/** Runs come to a good outcome again. To wait for the next try after a failure is none. */
export async function raiseRecovery(outcome: Outcome, invocation: Invocation): Promise<void> {
  const { exitCode, result, remindOf, tells } = outcome;
  const file = join(invocation.settings.stateDirectory, files.failures);
  const isGood = exitCode === exitCodes.done || exitCode === exitCodes.waiting;
  const isBackingOff = result === 'held' && remindOf === undefined && tells === undefined;
  if (!isGood || isBackingOff || !existsSync(file)) return;
  await whateverComes(async () => {
    const before = readFailures(invocation);
    if (before?.isTold === true) {
      const { count, sinceMs } = before;
      const times = count === 1 ? 'one had failed' : `${count} in a row had failed`;
      const draft = {
        event: 'recovered',
        about: `recovered ${sinceMs}`,
        at: new Date().toISOString(),
        summary: `runs end well again: ${times}, since ${isoOf(sinceMs)}`,
      } as const;
      await raiseOnce(draft, invocation);
    }
    rmSync(file, { force: true });
  });
}

/**
 * What was begun in this run, and given up, is told from its journal. One that is unfinished, or has no line yet, tells
 * of nothing: a run that cannot even go on with it is a failure like any other.
 */
function hasUntoldTransaction({ settings: { stateDirectory } }: Invocation): boolean {
  const isThere = (...path: readonly string[]) => existsSync(join(stateDirectory, ...path));
  if (isThere(files.active)) return false;
  try {
    return readdirSync(join(stateDirectory, files.untold)).some((name) => {
      const id = /^transaction-(.+)\.json$/.exec(name)?.[1];
      return id !== undefined && isThere(files.transactions, id, 'journal');
    });
  } catch {
    return false;
  }
}

/** Writes down that a backup cannot be relied on, or that another one was found good since. */
export async function raiseAlarm(
  alarm: Verification | undefined,
  invocation: Invocation,
): Promise<void> {
  const file = join(invocation.settings.stateDirectory, files.backupTrouble);
  await whateverComes(async () => {
    if (alarm !== undefined) {
      const { backup, atMs } = alarm;
      const about = `backup ${backup} ${atMs}`;
      const texts = { summary: alarmText(alarm), output: alarm.problems, next: alarmAdvice(alarm) };
      const at = new Date().toISOString();
      await raiseOnce({ event: 'verification-failed', about, at, ...texts }, invocation);
      if (existsSync(file) || !mayTell(invocation)) return;
      const { replaceFile } = await import('../host/state-files.ts');
      return replaceFile(file, `${JSON.stringify({ backup })}\n`);
    }
    if (!existsSync(file)) return;
    const { backup = '' } = JSON.parse(readFileSync(file, 'utf8')) as { backup?: string };
    const draft = {
      event: 'recovered',
      about: `recovered backup ${backup} ${Date.now()}`,
      at: new Date().toISOString(),
      summary: `a backup can be relied on again; ${backup} could not`,
      next: 'orchestrator-update backup list',
    } as const;
    await raiseOnce(draft, invocation);
    rmSync(file, { force: true });
  });
}

/** A backup that nobody sat before has failed. That it was made again is told by nobody. */
export async function raiseBackupFailure(error: unknown, invocation: Invocation): Promise<void> {
  if (process.stdout.isTTY === true || error instanceof InterruptedError) return;
  await whateverComes(async () => {
    const [first = '', ...output] = messageOf(error).split('\n');
    const draft = {
      event: 'backup-failed',
      about: `backup failed: ${first}`,
      at: new Date().toISOString(),
      summary: `orchestrator-update backup create: ${first}`,
      output: output.filter((line) => line.trim() !== ''),
      next: error instanceof OperatorError ? error.next : 'orchestrator-update doctor',
    } as const;
    await raiseOnce(draft, invocation);
  });
}

/** A person says that all is well: the others want to know. The next time is another one. */
export async function raiseAcknowledged(
  invocation: Invocation,
  { reason, transaction }: NeedsOperator,
): Promise<void> {
  await whateverComes(async () => {
    const told = join(invocation.settings.stateDirectory, files.told);
    rmSync(join(told, fileNameFor(`operator ${transaction}`)), { force: true });
    const draft = {
      event: 'recovered',
      about: `acknowledged ${Date.now()}`,
      at: new Date().toISOString(),
      summary: `a person has acknowledged it, and updates go on: ${reason}`,
    } as const;
    await raiseOnce(draft, invocation);
  });
}

/** On the way to "nothing to do" nothing is loaded for what was told before. */
async function raiseOnce(draft: Draft & { event: Event }, invocation: Invocation): Promise<void> {
  if (!mayTell(invocation)) return;
  const { stateDirectory } = invocation.settings;
  if (!isToBeTold(draft.event, readToldAt(stateDirectory, draft.about), Date.now())) return;
  const [{ openStateFiles }, { raise }] = await Promise.all([
    import('../host/state-files.ts'),
    import('../notices.ts'),
  ]);
  await raise(openStateFiles(stateDirectory), { kind: 'draft', draft });
}

/** Whether anybody is told anything on this host; where that is not known, it is found out when it is told. */
function mayTell({ settings, environment }: Invocation): boolean {
  const config = readCachedConfig(settings, environment);
  if (config === undefined || (config.notify?.targets.length ?? 0) > 0) return true;
  // The update manager may have somebody of its own.
  return existsSync(join(settings.stateDirectory, files.watchConfig));
}

function readToldAt(stateDirectory: string, about: string): number | undefined {
  try {
    return Number(readFileSync(join(stateDirectory, files.told, fileNameFor(about)), 'utf8'));
  } catch {
    return undefined;
  }
}

function readFailures({ settings }: Invocation): Failures | undefined {
  try {
    const text = readFileSync(join(settings.stateDirectory, files.failures), 'utf8');
    const { sinceMs, count, isTold } = JSON.parse(text) as Partial<Failures>;
    if (typeof sinceMs !== 'number' || typeof count !== 'number') return undefined;
    return { sinceMs, count, isTold: isTold === true };
  } catch {
    return undefined;
  }
}

async function whateverComes(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch {
    // A full disk, a damaged file: it is in the journal, and the run is what it is.
  }
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
