import { isDue } from './history.ts';
import { printableText } from './secrets.ts';

/** How a backup was verified: a part of its files was read, all of them were, or its cluster was brought up. */
export type VerificationKind = 'sample' | 'whole' | 'restore';

/** One of so many parts of a backup; every file is in one of them, and in every backup in the same. */
export interface Part {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** A verification of a backup, and what came of it. */
export interface Verification {
  readonly kind: VerificationKind;
  /** When it was begun; milliseconds since 1970. */
  readonly atMs: number;
  /** Empty where there was none to verify. */
  readonly backup: string;
  /** `damaged`: its files are not what was backed up. `not up`: they are, and its cluster is not healthy. */
  readonly result: 'good' | 'damaged' | 'not up' | 'unfinished' | 'none';
  /** What is wrong, the first few. */
  readonly problems: readonly string[];
  /** Of a sample. */
  readonly part?: Part;
  /** Files that were read, and their bytes. */
  readonly files?: number;
  readonly bytes?: number;
}

/** What is remembered of verifications from one run to the next. */
export interface VerificationRecord {
  /** The last one of each kind. */
  readonly last: Readonly<Partial<Record<VerificationKind, Verification>>>;
  /** How each backup that is known to be damaged was found to be so. */
  readonly damaged: readonly Verification[];
  /** What a person is to be told until a newer backup, or this one, is found good. */
  readonly alarm?: Verification;
}

/** When which verification is due. */
export interface VerificationSchedule {
  readonly sample_days: number;
  readonly sample_percent: number;
  readonly restore_days: number;
}

export const nothingVerified: VerificationRecord = { last: {}, damaged: [] };

const PROBLEMS_KEPT = 10;
const PROBLEM_CHARACTERS = 300;
const MS_PER_DAY = 86_400_000;
/** A timer that fires once a day does not fire to the second. */
const TOLERANCE_DAYS = 1 / 96;

/** The verification that is due; one that was made in the future is of a clock that was wrong. */
export function dueVerification(
  { last }: VerificationRecord,
  { sample_days, sample_percent, restore_days }: VerificationSchedule,
  nowMs: number,
): 'sample' | 'restore' | undefined {
  if (sample_percent > 0 && isOver(last.sample, sample_days, nowMs)) return 'sample';
  return isOver(last.restore, restore_days, nowMs) ? 'restore' : undefined;
}

function isOver(last: Verification | undefined, days: number, nowMs: number): boolean {
  const patience = days - Math.min(days / 2, TOLERANCE_DAYS);
  return days > 0 && isDue(last?.atMs ?? Number.NaN, patience, nowMs);
}

/** The part that is read after the last one: in turns, so that a cycle of them reads every file. */
export function nextPart(last: Verification | undefined, percent: number): Part {
  const of = Math.max(1, Math.ceil(100 / percent));
  const before = last?.part?.of === of ? last.part.number : 0;
  return { number: (before % of) + 1, of };
}

/** Whether a file is in a part, by its path alone: in the next backup it is in the same. */
export function isInPart(path: string, { number, of }: Part): boolean {
  return hashOf(path) % of === number - 1;
}

/** FNV-1a, mixed once more: what comes last in a path decides as much as what comes first. */
function hashOf(text: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01_00_01_93);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/**
 * The record with one more verification in it.
 *
 * @param there names of all backups: of one that was removed nothing is remembered but the alarm
 */
export function withVerification(
  record: VerificationRecord,
  verification: Verification,
  there: readonly string[],
): VerificationRecord {
  const found = { ...verification, problems: shortened(verification.problems) };
  const { kind, backup, result } = found;
  const isWholeAgain = result !== 'damaged' && result !== 'unfinished' && kind !== 'sample';
  const others = record.damaged.filter(
    (one) => there.includes(one.backup) && !(isWholeAgain && one.backup === backup),
  );
  const damaged =
    result === 'damaged' ? [...others.filter((one) => one.backup !== backup), found] : others;
  const isBad = result === 'damaged' || result === 'not up';
  const alarm = isBad ? found : stillAlarm(record.alarm, found, there);
  const last = { ...record.last, [kind]: found };
  return alarm === undefined ? { last, damaged } : { last, damaged, alarm };
}

/** A part of the same backup does not make it good, and files do not make its cluster come up. */
function stillAlarm(
  alarm: Verification | undefined,
  { kind, backup, result }: Verification,
  there: readonly string[],
): Verification | undefined {
  if (alarm === undefined || result !== 'good') return alarm;
  if (alarm.result === 'not up' && kind !== 'restore') return alarm;
  const isThis = backup === alarm.backup && kind !== 'sample';
  const isPast = backup > alarm.backup || !there.includes(alarm.backup);
  return isThis || isPast ? undefined : alarm;
}

function shortened(problems: readonly string[]): string[] {
  return problems
    .slice(0, PROBLEMS_KEPT)
    .map((problem) => printableText(problem).slice(0, PROBLEM_CHARACTERS));
}

/** The names of the backups that are known to be damaged. */
export function damagedNames({ damaged }: VerificationRecord): ReadonlySet<string> {
  return new Set(damaged.map(({ backup }) => backup));
}

/** What is wrong with a backup, in a sentence. */
export function alarmText({ backup, result, problems }: Verification): string {
  const [first = '', ...more] = problems;
  const rest = more.length > 0 ? ` (and ${more.length} more)` : '';
  return result === 'damaged'
    ? `the backup ${backup} is damaged: ${first}${rest}`
    : `the backup ${backup} cannot be relied on: ${first}${rest}`;
}

/** What to type then. */
export function alarmAdvice({ backup, result }: Verification): string {
  return result === 'damaged'
    ? `orchestrator-update backup create; orchestrator-update backup verify    # and look after the disk: dmesg | tail; smartctl -a. Do not restore from ${backup}`
    : `orchestrator-update backup verify ${backup} --restore    # tries it once more`;
}

/** The one that was made last, of whatever kind. */
export function lastVerification({ last }: VerificationRecord): Verification | undefined {
  return Object.values(last)
    .toSorted((left, right) => left.atMs - right.atMs)
    .at(-1);
}

/**
 * What is wrong with how backups are verified: the last one failed, or none was made for twice the time
 * that the schedule has between two; with what to type.
 *
 * @param madeAtMs when the newest backup was made: before that it could not be verified
 */
export function overdue(
  record: VerificationRecord,
  schedule: VerificationSchedule,
  madeAtMs: number,
  nowMs: number,
): { readonly detail: string; readonly mend: string } | undefined {
  const { alarm, last } = record;
  if (alarm) return { detail: alarmText(alarm), mend: alarmAdvice(alarm) };
  const failed = Object.values(last).find(({ result }) => result === 'unfinished');
  if (failed) {
    const detail = `${failed.backup} was not verified to its end: ${failed.problems.join('; ')}`;
    return { detail, mend: adviceFor(failed.kind) };
  }
  for (const [kind, days] of scheduled(schedule)) {
    const since = Math.max(madeAtMs, last[kind]?.backup ? last[kind].atMs : -Infinity);
    // Nothing is known where the clock was wrong.
    if (!(nowMs - since > 2 * days * MS_PER_DAY)) continue;
    const what = kind === 'sample' ? 'read' : 'brought up';
    const detail = `no backup was ${what} for longer than 2 × ${days} days, which the timer should do`;
    return { detail, mend: adviceFor(kind) };
  }
  return undefined;
}

function scheduled({
  sample_days,
  sample_percent,
  restore_days,
}: VerificationSchedule): (readonly [VerificationKind, number])[] {
  const samples = sample_percent > 0 && sample_days > 0 ? [['sample', sample_days] as const] : [];
  return restore_days > 0 ? [...samples, ['restore', restore_days]] : samples;
}

function adviceFor(kind: VerificationKind): string {
  const flag = kind === 'whole' ? '' : ` --${kind}`;
  return `orchestrator-update backup verify${flag}; orchestrator-update status`;
}

/** The record in a file; undefined where it is damaged. What is not known of it is left out. */
export function parseVerifications(text: string | undefined): VerificationRecord | undefined {
  if (text === undefined) return nothingVerified;
  try {
    const { last, damaged, alarm } = JSON.parse(text) as Partial<VerificationRecord>;
    if (typeof last !== 'object' || last === null || !Array.isArray(damaged)) return undefined;
    const known = kinds.flatMap((kind) => {
      const one: unknown = last[kind];
      return isVerification(one) && one.kind === kind ? [[kind, one] as const] : [];
    });
    return {
      last: Object.fromEntries(known),
      damaged: damaged.filter(isVerification),
      ...(isVerification(alarm) ? { alarm } : {}),
    };
  } catch {
    return undefined;
  }
}

const kinds: readonly VerificationKind[] = ['sample', 'whole', 'restore'];

function isVerification(value: unknown): value is Verification {
  const { kind, atMs, backup, result, problems, part } = (value ?? {}) as Partial<Verification>;
  const isPart = part === undefined || (Number.isInteger(part?.number) && part.number >= 1);
  return (
    kinds.includes(kind as VerificationKind) &&
    typeof atMs === 'number' &&
    typeof backup === 'string' &&
    typeof result === 'string' &&
    Array.isArray(problems) &&
    problems.every((problem) => typeof problem === 'string') &&
    isPart
  );
}
