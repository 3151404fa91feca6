import type { BackupSummary, HistoryRecord, HistorySnapshot } from '../core/history.ts';
import type { OperatorError } from '../errors.ts';

/** What `add` has done. */
export interface HistoryAddition extends BackupSummary {
  readonly seconds: number;
  /** The repository was made: its password must be kept elsewhere, too. */
  readonly isNew: boolean;
  readonly record: HistoryRecord;
}

/** What `doctor` is told. */
export interface HistoryState {
  /** Of restic; undefined where it did not start: `problem` says why. */
  readonly version: string | undefined;
  /** Why the history cannot be used; undefined when it can, or is made by the first backup. */
  readonly problem: OperatorError | undefined;
  readonly isMade: boolean;
  /** Newest first. */
  readonly snapshots: readonly HistorySnapshot[];
  /** Who has it locked: `PID 7 on vm, alone, since 2026-01-02T03:04:05Z`. */
  readonly locks: readonly string[];
}

/** The history of backups: each is added to what a repository has of the ones before. */
export interface HistoryHost {
  /**
   * Adds a finished backup, which must not change meanwhile. Makes the repository at the first one.
   * Twice the same backup makes two snapshots of it, which take the place of one.
   *
   * @throws {OperatorError} when it cannot be taken whole; no snapshot of it is left then
   */
  add(
    directory: string,
    facts: { readonly name: string; readonly commit: string; readonly at: Date },
    record: HistoryRecord,
  ): Promise<HistoryAddition>;
  /** The snapshots of this project, of every host, newest first. */
  list(): Promise<HistorySnapshot[]>;
  /** Removes old snapshots of this host, when that is due; `{}` for a record: it is due. */
  forget(record: HistoryRecord): Promise<HistoryRecord>;
  /**
   * Checks the repository, and reads a part of its data, when that is due.
   *
   * @param subsetPercent 0 to 100; as configured if left out
   * @throws {HistoryError} of kind `damaged`
   */
  check(record: HistoryRecord, subsetPercent?: number): Promise<HistoryRecord>;
  /**
   * Restores a snapshot into a directory that is not there or is empty; it then has what was in the
   * backup's. restic 0.14 fills holes with zeros.
   */
  restore(snapshot: string, target: string): Promise<void>;
  /** Bytes that the whole repository takes. */
  size(): Promise<number>;
  /** Everything that `doctor` wants to know; throws nothing. */
  state(): Promise<HistoryState>;
}
