import type { Invocation } from '../command-table.ts';
import { lastNote, stateOf, type Transaction } from '../core/journal.ts';
import { megabytes } from '../core/megabytes.ts';
import type { Plan } from '../core/plan.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import { listBackups } from '../host/backups.ts';
import { openStateFiles } from '../host/state-files.ts';
import { short } from '../outcome.ts';
import { readTransactions } from '../records.ts';
import { readConfig } from './context.ts';
import { tableLines } from './table.ts';

export interface HistoryBackup {
  readonly name: string;
  readonly sizeBytes: number;
  readonly seconds: number;
  readonly frozenSeconds: number;
}

/** One update or rollback, as `history --json` prints it. */
export interface HistoryEntry {
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly verdict: string;
  readonly state: string;
  readonly seconds: number;
  readonly reasons: readonly string[];
  readonly note: string | undefined;
  /** The backup made before it; null where there was none, or it was removed since. */
  readonly backup: HistoryBackup | null;
}

/** `history`: the updates and rollbacks of this host, newest first. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const limit = Number(invocation.flags['limit'] ?? 20);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new UsageError(
      `--limit ${String(invocation.flags['limit'])}: a number from 1 is expected`,
    );
  }
  const state = openStateFiles(invocation.settings.stateDirectory);
  // What is wrong with the configuration does not change what happened.
  const config = await readConfig(invocation).catch(() => undefined);
  const backups = config ? await listBackups(config.backups_dir) : [];
  const transactions = (await readTransactions(state)).slice(0, limit);
  const entries = transactions.map((one) => historyEntry(one, backups));
  const text = invocation.json ? JSON.stringify(entries, undefined, 2) : table(entries);
  process.stdout.write(`${text}\n`);
  return exitCodes.done;
}

/** A transaction, told in one row. */
export function historyEntry(
  { id, plan, entries }: Transaction,
  backups: readonly BackupManifest[],
): HistoryEntry {
  const at = entries[0]?.at ?? '';
  const endedAt = entries.at(-1)?.at ?? at;
  return {
    id,
    at,
    kind: plan.kind,
    from: plan.from,
    to: plan.to,
    verdict: plan.verdict,
    state: stateOf(entries),
    seconds: Math.round((Date.parse(endedAt) - Date.parse(at)) / 100) / 10,
    reasons: plan.reasons,
    note: lastNote(entries),
    backup: backupOf(plan, backups),
  };
}

function backupOf({ prepare }: Plan, backups: readonly BackupManifest[]): HistoryBackup | null {
  const step = prepare.find((one) => one.do === 'backup');
  const found = backups.find(({ name }) => name === step?.name);
  if (!found) return null;
  const { name, sizeBytes, seconds, frozen } = found;
  return { name, sizeBytes, seconds, frozenSeconds: frozen?.seconds ?? 0 };
}

function backupText(backup: HistoryBackup | null): string {
  return backup === null ? '-' : `${megabytes(backup.sizeBytes)}, ${backup.seconds} s`;
}

function table(entries: readonly HistoryEntry[]): string {
  if (entries.length === 0) return 'no update or rollback yet';
  const rows = entries.map((entry) => [
    entry.at.replace(/\.\d+Z$/, 'Z'),
    entry.kind,
    `${short(entry.from)} → ${short(entry.to)}`,
    entry.state,
    `${entry.seconds} s`,
    backupText(entry.backup),
    (entry.note ?? entry.reasons.join('; ')).split('\n')[0] ?? '',
  ]);
  const header = ['WHEN', 'WHAT', 'RELEASE', 'OUTCOME', 'TOOK', 'BACKUP', 'WHY'];
  return tableLines([header, ...rows], process.stdout.isTTY === true).join('\n');
}
