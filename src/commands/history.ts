import type { Invocation } from '../command-table.ts';
import type { Downtime } from '../core/downtime.ts';
import { downtimeOf, lastNote, stateOf, type State, type Transaction } from '../core/journal.ts';
import { imagesOf } from '../core/moved-image.ts';
import type { Plan } from '../core/plan.ts';
import { rollbackReason, type RollbackReason } from '../core/rollback-reason.ts';
import { masked, withoutValues } from '../core/secret-values.ts';
import { UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { BackupManifest } from '../host/backup-host.ts';
import { listBackups } from '../host/backups.ts';
import { openStateFiles } from '../host/state-files.ts';
import { readAllWithMaterial, secretsOfReleases } from '../records.ts';
import { readConfig } from './context.ts';
import { historyText } from './history-text.ts';
import { openScreen } from './screen.ts';

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
  readonly kind: Plan['kind'];
  readonly from: string;
  readonly to: string;
  /** Of a run that brought newer images, or took them back: their names; its commits are the same. */
  readonly images: readonly string[];
  readonly verdict: string;
  readonly state: State;
  readonly seconds: number;
  readonly reasons: readonly string[];
  readonly note: string | undefined;
  /** Why a release was left again, in a word; null where it was not. */
  readonly rollbackReason: RollbackReason | null;
  /** How long services were away; null where it was not measured. */
  readonly downtime: readonly Downtime[] | null;
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
  const transactions = (await readAllWithMaterial(state)).slice(0, limit);
  const entries = transactions.map((one) =>
    historyEntry(one.transaction, backups, secretsOfReleases([one])),
  );
  const text = invocation.json
    ? JSON.stringify(entries, undefined, 2)
    : historyText(entries, openScreen());
  process.stdout.write(`${text}\n`);
  return exitCodes.done;
}

/**
 * A transaction, told in one row.
 *
 * @param secrets values that nobody should read: a note has what a command or a probe has said
 */
export function historyEntry(
  { id, plan, entries }: Transaction,
  backups: readonly BackupManifest[],
  secrets: readonly string[],
): HistoryEntry {
  const note = lastNote(entries);
  const at = entries[0]?.at ?? '';
  const endedAt = entries.at(-1)?.at ?? at;
  return {
    id,
    at,
    kind: plan.kind,
    from: plan.from,
    to: plan.to,
    images: imagesOf(plan),
    verdict: plan.verdict,
    state: stateOf(entries),
    seconds: Math.round((Date.parse(endedAt) - Date.parse(at)) / 100) / 10,
    reasons: plan.reasons.map((reason) => withoutValues(reason, secrets)),
    note: note === undefined ? undefined : masked(note, secrets),
    rollbackReason: rollbackReason({ plan, entries }) ?? null,
    downtime: downtimeOf(entries) ?? null,
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
