/** One state of the backups, in the repository. */
export interface HistorySnapshot {
  /** The short ID, as restic prints it. */
  readonly snapshot: string;
  /** When the backup was made, ISO 8601. */
  readonly at: string;
  readonly host: string;
  /** Of the backup; empty where a snapshot was tagged by hand. */
  readonly name: string;
  /** Of the release; empty where a snapshot was tagged by hand. */
  readonly commit: string;
}

/** What is remembered of a history from one run to the next; `{}` before the first. */
export interface HistoryRecord {
  /** The repository all of this is about. One that was there once is never made anew. */
  readonly repository?: string;
  /** The snapshot that was made last from here: to find it takes longer than to remember it. */
  readonly snapshot?: string;
  /** When old snapshots were removed last, ISO 8601. */
  readonly prunedAt?: string;
  /** When it was checked last, and was whole, ISO 8601. */
  readonly checkedAt?: string;
}

/** What restic says of a backup it has made. */
export interface BackupSummary {
  readonly snapshot: string;
  /** What the repository grew by; before compression where restic is older than 0.17. */
  readonly addedBytes: number;
  /** What the backup holds. */
  readonly totalBytes: number;
  /** Files that were read, and files that were not as they are in the snapshot before. */
  readonly filesRead: number;
  readonly filesUnmodified: number;
}

/** How far a command is. */
export interface BytesDone {
  readonly done: number;
  readonly total: number;
}

const MS_PER_DAY = 86_400_000;

/**
 * Whether what was done last is due again; a last time in the future is of a clock that was wrong.
 *
 * @param last and `now`: milliseconds of the epoch; NaN for never
 */
export function isDue(last: number, everyDays: number, now: number): boolean {
  const passed = now - last;
  return !(passed >= 0 && passed < everyDays * MS_PER_DAY);
}

/** The newest snapshot of a host, else of any: most of what a backup holds is in it. */
export function parentFor(
  host: string,
  snapshots: readonly HistorySnapshot[],
): HistorySnapshot | undefined {
  return snapshots.find((snapshot) => snapshot.host === host) ?? snapshots[0];
}

/** A line of `backup --json` or `restore --json` that tells how far it is; undefined for others. */
export function bytesDoneIn(line: string): BytesDone | undefined {
  const message = jsonLine(line);
  const total = message?.['total_bytes'];
  if (message?.['message_type'] !== 'status' || typeof total !== 'number') return undefined;
  // While restic still counts, what it has done so far says nothing.
  const done = message['bytes_done'] ?? message['bytes_restored'];
  return { done: typeof done === 'number' ? Math.min(done, total) : 0, total };
}

/** The last line of `backup --json`; undefined where no snapshot was made. */
export function readSummary(output: string): BackupSummary | undefined {
  const summary = output
    .split('\n')
    .map(jsonLine)
    .findLast((message) => message?.['message_type'] === 'summary');
  const snapshot = summary?.['snapshot_id'];
  if (summary === undefined || typeof snapshot !== 'string') return undefined;
  const number = (key: string): number => Number(summary[key] ?? 0);
  return {
    snapshot: snapshot.slice(0, SHORT_ID),
    addedBytes: number('data_added_packed') || number('data_added'),
    totalBytes: number('total_bytes_processed'),
    filesRead: number('files_new') + number('files_changed'),
    filesUnmodified: number('files_unmodified'),
  };
}

/** restic 0.14 says the short one, later ones the whole one. */
const SHORT_ID = 8;

/** The JSON object of a line; undefined where it is none. */
export function jsonLine(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
