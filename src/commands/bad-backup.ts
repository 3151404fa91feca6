import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../command-table.ts';
import type { Config } from '../config/schema.ts';
import {
  alarmAdvice,
  alarmText,
  dueVerification,
  nothingVerified,
  parseVerifications,
  type Verification,
  type VerificationRecord,
  type VerificationSchedule,
} from '../core/verification.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Log } from '../host/log.ts';
import type { Outcome } from '../outcome.ts';
import { remind } from '../reminder.ts';
import { files } from '../state-names.ts';
import { isAutomatic } from './automatic.ts';
import { raiseAlarm } from './tell.ts';

/** Whether a verification of backups is due, from one small file. */
export function isVerificationDue(invocation: Invocation, config: Config): boolean {
  // What an earlier program remembered of the configuration has no such keys: read anew, it has.
  const schedule: VerificationSchedule | undefined = config.backup.verify;
  if (schedule === undefined) return true;
  return dueVerification(readRecord(invocation), schedule, Date.now()) !== undefined;
}

/** A run that found a bad backup ends with this, once; undefined where it is good. */
export async function badBackup(
  invocation: Invocation,
  verification: Verification,
): Promise<Outcome | undefined> {
  const { result } = verification;
  if (result !== 'damaged' && result !== 'not up') return undefined;
  await isToBeTold(invocation, verification);
  await raiseAlarm(verification, invocation);
  return {
    result: 'bad backup',
    exitCode: exitCodes.failed,
    summary: alarmText(verification),
    next: alarmAdvice(verification),
  };
}

/** Says what is wrong with a backup, until a later verification says otherwise: to the timer once a day. */
export async function remindOfBackup(invocation: Invocation, log: Log): Promise<void> {
  const { alarm } = readRecord(invocation);
  await raiseAlarm(alarm, invocation);
  if (alarm === undefined) return;
  if (!(await isToBeTold(invocation, alarm)) && isAutomatic(invocation)) return;
  log.error(alarmText(alarm), { event: 'bad backup' });
  log.info(`next: ${alarmAdvice(alarm)}`);
}

function isToBeTold({ settings }: Invocation, { backup, atMs }: Verification): Promise<boolean> {
  const about = `backup ${backup} ${atMs}`;
  return remind(settings.stateDirectory, about, new Date(), files.remindedOfBackup);
}

function readRecord({ settings }: Invocation): VerificationRecord {
  try {
    const text = readFileSync(join(settings.stateDirectory, files.verification), 'utf8');
    return parseVerifications(text) ?? nothingVerified;
  } catch {
    return nothingVerified;
  }
}
