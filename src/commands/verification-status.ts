import {
  alarmAdvice,
  alarmText,
  type Verification,
  type VerificationKind,
  type VerificationRecord,
} from '../core/verification.ts';

/** What `status --json` says of verifications. */
export interface VerificationStatus {
  /** The last of each kind, newest first. */
  readonly last: readonly VerificationEntry[];
  /** Backups that are known to be damaged. */
  readonly damaged: readonly VerificationEntry[];
  /** What is wrong with a backup, and what to type; null where nothing is. */
  readonly alarm: (VerificationEntry & { readonly text: string; readonly next: string }) | null;
}

interface VerificationEntry extends Omit<Verification, 'atMs'> {
  /** ISO 8601, UTC. */
  readonly at: string;
}

const names: Readonly<Record<VerificationKind, string>> = {
  sample: 'read in part',
  whole: 'read whole',
  restore: 'brought up',
};

export function verificationStatus({
  last,
  damaged,
  alarm,
}: VerificationRecord): VerificationStatus {
  return {
    last: Object.values(last)
      .toSorted((left, right) => right.atMs - left.atMs)
      .map(entryOf),
    damaged: damaged.map(entryOf),
    alarm: alarm ? { ...entryOf(alarm), text: alarmText(alarm), next: alarmAdvice(alarm) } : null,
  };
}

function entryOf({ atMs, ...verification }: Verification): VerificationEntry {
  return { ...verification, at: isoTime(atMs) };
}

/** What a damaged file says may be no moment at all. */
function isoTime(atMs: number): string {
  const at = new Date(atMs);
  return Number.isNaN(at.getTime()) ? '?' : at.toISOString();
}

/** The lines of `status`. */
export function verificationRows({ last, alarm }: VerificationStatus): string[][] {
  const rows = last
    .filter(({ backup }) => backup !== '')
    .map((one) => [
      'verified',
      `${one.backup}: ${names[one.kind]}${partText(one)} at ${one.at.replace(/\.\d+Z$/, 'Z')}: ${resultText(one)}`,
    ]);
  const verified = rows.length > 0 ? rows : [['verified', 'none yet']];
  return alarm === null ? verified : [...verified, ['ALARM', `${alarm.text}: ${alarm.next}`]];
}

function partText({ part, files, bytes }: VerificationEntry): string {
  if (part === undefined) return '';
  const read = files === undefined ? '' : `, ${files} files, ${bytes} bytes`;
  return ` (part ${part.number} of ${part.of}${read})`;
}

function resultText({ result, problems }: VerificationEntry): string {
  return result === 'good' ? 'good' : `${result}: ${problems[0] ?? ''}`;
}
