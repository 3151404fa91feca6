import type { Downtime } from './downtime.ts';
import { downtimeOf, isFinal, lastNote, stateOf, type State, type Transaction } from './journal.ts';
import { isoOf } from './moment.ts';
import { phasesOf, secondsOf, type Phase } from './phases.ts';
import { imagesOf, type ImageDigest } from './moved-image.ts';
import type { Plan, Verdict } from './plan.ts';
import type { Risk } from './risk.ts';
import { rollbackReason, type RollbackReason } from './rollback-reason.ts';
import { printableText, withoutSecrets } from './secrets.ts';
import type { Action } from './service-plan.ts';
import { withoutValues } from './secret-values.ts';
import { alarmText, damagedNames, type VerificationRecord } from './verification.ts';

/** What a report is made of. */
export interface ReportInput {
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  readonly version: string;
  readonly host: string;
  readonly project: string;
  readonly branch: string;
  readonly deployed: { readonly commit: string; readonly at: string } | undefined;
  /** Why updates are held back, one sentence each. */
  readonly holds: readonly string[];
  /** Why an operator is needed. */
  readonly needsOperator: string | undefined;
  /** Newest first. */
  readonly transactions: readonly Transaction[];
  readonly quarantine: readonly ReportQuarantine[];
  /** Newest first. */
  readonly backups: readonly BackupRow[];
  readonly verification: VerificationRecord;
  readonly engine: ReportEngine | undefined;
  /** Values of the releases that nobody should read. */
  readonly secrets: readonly string[];
}

/** What a manifest of a backup has that is shown. */
interface BackupRow {
  readonly name: string;
  readonly createdAt: string;
  readonly commit: string;
  readonly sizeBytes: number;
  readonly files: number;
  readonly seconds: number;
  readonly frozen?: { readonly seconds: number } | undefined;
}

export interface ReportEngine {
  /** Empty where Docker does not answer. */
  readonly version: string;
  /** What can be had, in a few words; null where nothing can, or nobody looked. */
  readonly available: string | null;
  readonly isUnfinished: boolean;
  /** The last upgrade that was believed. */
  readonly upgradedAt: string | null;
}

export interface ReportQuarantine {
  /** Of a release; null of an image. */
  readonly commit: string | null;
  /** Null of a release. */
  readonly image: ImageDigest | null;
  readonly reason: string;
  readonly at: string;
}

export interface ReportBackup {
  readonly name: string;
  readonly at: string;
  readonly commit: string;
  readonly sizeBytes: number;
  readonly files: number;
  readonly seconds: number;
  /** How long writers were kept from writing for it. */
  readonly frozenSeconds: number;
  readonly isDamaged: boolean;
  /** When it was found good last, and how; null where it was not verified. */
  readonly verifiedAt: string | null;
}

export interface ReportService {
  readonly service: string;
  readonly action: Action;
  readonly risk: Risk;
  readonly reasons: readonly string[];
}

export interface ReportRun {
  readonly id: string;
  readonly kind: Plan['kind'];
  readonly at: string;
  readonly endedAt: string;
  readonly seconds: number;
  readonly from: string;
  readonly to: string;
  /** Of a run that brought newer images, or took them back: their names; its commits are the same. */
  readonly images: readonly string[];
  readonly verdict: Verdict;
  readonly risk: Risk;
  readonly state: State;
  readonly isOver: boolean;
  /** Why it ended as it did, where that was written down. */
  readonly note: string | null;
  readonly rollbackReason: RollbackReason | null;
  readonly reasons: readonly string[];
  readonly warnings: readonly string[];
  /** Those that the plan does something to. */
  readonly services: readonly ReportService[];
  readonly untouched: number;
  readonly phases: readonly Phase[];
  /** Null where it was not measured. */
  readonly downtime: readonly Downtime[] | null;
  /** The backup made before it; null where there is none (any more). */
  readonly backup: ReportBackup | null;
}

/** What is told of a host: all that the page, the text and `report --json` show. */
export interface ReportData {
  readonly schema: 1;
  readonly madeAt: string;
  readonly version: string;
  readonly host: string;
  readonly project: string;
  readonly branch: string;
  readonly deployed: { readonly commit: string; readonly at: string } | null;
  readonly holds: readonly string[];
  readonly needsOperator: string | null;
  readonly runs: readonly ReportRun[];
  readonly quarantine: readonly ReportQuarantine[];
  readonly backups: readonly ReportBackup[];
  /** What is wrong with a backup; null where nothing is. */
  readonly alarm: string | null;
  readonly engine: ReportEngine | null;
}

/** Makes the report. What is free text in it is without secrets, and no text of it has a value of one. */
export function makeReport(input: ReportInput): ReportData {
  const { deployed, transactions, verification } = input;
  const backups = input.backups.map((one) => backupIn(one, verification));
  const data: ReportData = {
    schema: 1,
    madeAt: input.madeAt,
    version: input.version,
    host: input.host,
    project: input.project,
    branch: input.branch,
    deployed: deployed ? { commit: deployed.commit, at: deployed.at } : null,
    holds: input.holds.map(withoutSecrets),
    needsOperator: input.needsOperator === undefined ? null : withoutSecrets(input.needsOperator),
    runs: transactions.map((transaction) => runIn(transaction, backups)),
    quarantine: input.quarantine.map((one) => ({ ...one, reason: withoutSecrets(one.reason) })),
    backups,
    alarm: verification.alarm ? withoutSecrets(alarmText(verification.alarm)) : null,
    engine: input.engine ?? null,
  };
  return withTexts(data, (text) => printableText(withoutValues(text, input.secrets))) as ReportData;
}

function runIn({ id, plan, entries }: Transaction, backups: readonly ReportBackup[]): ReportRun {
  const note = lastNote(entries);
  const backup = plan.prepare.find((step) => step.do === 'backup');
  const touched = plan.services.filter(({ action }) => action !== 'untouched');
  return {
    id,
    kind: plan.kind,
    at: entries[0]?.at ?? '',
    endedAt: entries.at(-1)?.at ?? '',
    seconds: secondsOf(entries),
    from: plan.from,
    to: plan.to,
    images: imagesOf(plan),
    verdict: plan.verdict,
    risk: plan.risk,
    state: stateOf(entries),
    isOver: isFinal(stateOf(entries)),
    note: note === undefined ? null : withoutSecrets(note),
    rollbackReason: rollbackReason({ plan, entries }) ?? null,
    reasons: plan.reasons,
    warnings: plan.warnings.map(withoutSecrets),
    services: touched.map(({ service, action, risk, reasons }) => ({
      service,
      action,
      risk,
      reasons,
    })),
    untouched: plan.services.length - touched.length,
    phases: phasesOf(entries),
    // Before the barrier nobody is touched.
    downtime: stateOf(entries) === 'ABORTED' ? [] : (downtimeOf(entries) ?? null),
    backup: backups.find(({ name }) => name === backup?.name) ?? null,
  };
}

function backupIn(row: BackupRow, verification: VerificationRecord): ReportBackup {
  const verified = Object.values(verification.last)
    .filter(({ backup, result }) => backup === row.name && result === 'good')
    .map(({ atMs }) => atMs);
  return {
    name: row.name,
    at: row.createdAt,
    commit: row.commit,
    sizeBytes: row.sizeBytes,
    files: row.files,
    seconds: row.seconds,
    frozenSeconds: row.frozen?.seconds ?? 0,
    isDamaged: damagedNames(verification).has(row.name),
    verifiedAt: verified.length > 0 ? isoOf(Math.max(...verified)) : null,
  };
}

/** The same data with every text in it changed. */
function withTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => withTexts(one, change));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withTexts(one, change)]),
  );
}
