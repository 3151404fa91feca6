import { mkdir, readdir } from 'node:fs/promises';
import {
  resticBackup,
  resticCheck,
  resticForget,
  resticForgetOne,
  resticInit,
  resticRestore,
} from '../argv/restic.ts';
import { localDirectory } from '../config/history-schema.ts';
import {
  bytesDoneIn,
  isDue,
  parentFor,
  readSummary,
  type BackupSummary,
  type BytesDone,
  type HistoryRecord,
} from '../core/history.ts';
import { unreadableIn, type HistoryProblem } from '../core/history-problem.ts';
import { atLeast } from '../core/version.ts';
import { RefusedError } from '../errors.ts';
import { historyError, type HistoryError } from './history-errors.ts';
import type { HistoryAddition, HistoryHost } from './history-host.ts';
import { historyState, installedVersion, listSnapshots, repositorySize } from './history-state.ts';
import {
  createRestic,
  isKind,
  PROBE_SECONDS,
  type ResticContext,
  type RunRestic,
} from './restic.ts';

export interface HistoryContext extends Omit<ResticContext, 'onProgress' | 'lockWaitSeconds'> {
  /** The name of this host, which its snapshots bear. */
  readonly host: string;
  readonly now: () => Date;
  /** What goes on, and how much of it is done. */
  readonly onProgress: (status: string, bytes?: BytesDone) => void;
  /** How long a repository that somebody else has locked is waited for; 300 if left out. */
  readonly lockWaitSeconds?: number;
}

const LOCK_WAIT_SECONDS = 300;
const EXIT_INCOMPLETE = 3;
const SPARSE_SINCE = '0.15.0';

/** A history in a restic repository; undefined where none is configured. */
export function createHistory(context: HistoryContext): HistoryHost | undefined {
  const { config } = context;
  if (config.repository === undefined) return undefined;
  const { lockWaitSeconds = LOCK_WAIT_SECONDS } = context;
  const restic = createRestic({ ...context, lockWaitSeconds });
  const history: History = { context, repository: config.repository, restic };
  return {
    add: (directory, facts, record) => add(history, directory, facts, record),
    list: () => listSnapshots(restic, context.project),
    forget: (record) => forget(history, record),
    check: (record, percent) => check(history, record, percent ?? config.check_subset_percent),
    restore: (snapshot, target) => restore(history, snapshot, target),
    size: () => repositorySize(restic),
    state: () => historyState(restic, context),
  };
}

/** Of a backup. */
interface Facts {
  readonly name: string;
  readonly commit: string;
  readonly at: Date;
}

const ADDING = 'adding the backup to the history';

interface History {
  readonly context: HistoryContext;
  readonly repository: string;
  readonly restic: RunRestic;
}

async function add(
  history: History,
  directory: string,
  facts: Facts,
  record: HistoryRecord,
): Promise<HistoryAddition> {
  const { context, repository } = history;
  const startedAt = context.now();
  context.onProgress(ADDING);
  const known = about(history, record).snapshot;
  const quick =
    known === undefined ? undefined : await addQuickly(history, directory, facts, known);
  const { isNew, summary } = quick ?? (await addSlowly(history, directory, facts, record));
  return {
    ...summary,
    seconds: Math.round((context.now().getTime() - startedAt.getTime()) / 100) / 10,
    isNew,
    record: { ...about(history, record), repository, snapshot: summary.snapshot },
  };
}

interface Added {
  readonly summary: BackupSummary;
  readonly isNew: boolean;
}

/** Opening a repository takes restic 0.6 s of CPU: it is opened once. Undefined where it is not as remembered. */
async function addQuickly(
  history: History,
  directory: string,
  facts: Facts,
  parent: string,
): Promise<Added | undefined> {
  try {
    return { summary: await backUp(history, directory, facts, parent), isNew: false };
  } catch (error) {
    if (isKind(error, 'missing') || isKind(error, 'unknown')) return undefined;
    throw error;
  }
}

async function addSlowly(
  history: History,
  directory: string,
  facts: Facts,
  record: HistoryRecord,
): Promise<Added> {
  const { context, restic } = history;
  const before = await listSnapshots(restic, context.project).catch((error: unknown) => {
    if (isKind(error, 'missing')) return undefined;
    throw error;
  });
  if (before === undefined) await init(history, record);
  const parent = parentFor(context.host, before ?? [])?.snapshot;
  const summary = await backUp(history, directory, facts, parent);
  return { summary, isNew: before === undefined };
}

async function backUp(
  history: History,
  directory: string,
  facts: Facts,
  parent: string | undefined,
): Promise<BackupSummary> {
  const { context, restic } = history;
  const command = resticBackup({
    ...facts,
    host: context.host,
    project: context.project,
    at: facts.at.toISOString().slice(0, 19).replace('T', ' '),
    ...(parent === undefined ? {} : { parent }),
  });
  const result = await restic(command, {
    cwd: directory,
    locks: true,
    accept: [EXIT_INCOMPLETE],
    // Most of it is a walk, which more cores make a tenth dearer and no faster. A first one is all work.
    ...(parent === undefined ? {} : { cores: 1 }),
    onLine: progress(context, ADDING),
  });
  const summary = readSummary(result.stdout);
  if (summary === undefined) throw failed(history, { kind: 'unknown', cause: 'no snapshot' });
  if (result.exitCode === EXIT_INCOMPLETE) {
    // It would be taken for a whole one.
    await restic(resticForgetOne(summary.snapshot), { locks: true });
    throw failed(history, unreadableIn(result.stderr));
  }
  return summary;
}

/**
 * Makes the repository, but none in the place of one that was there: a disk that is not mounted is
 * an empty directory, and restic 0.14 gives a repository that has lost its config a new key.
 */
async function init(history: History, record: HistoryRecord): Promise<void> {
  const { context, repository, restic } = history;
  if (record.repository === repository) {
    const cause = 'it was there before; its disk is not mounted, or it was removed';
    throw failed(history, { kind: 'missing', cause });
  }
  const directory = localDirectory(repository);
  const found = directory === undefined ? [] : await readdir(directory).catch(() => []);
  if (found.some((name) => REPOSITORY_PARTS.has(name))) {
    throw failed(history, { kind: 'damaged', cause: `${directory}/config is not there` });
  }
  context.onProgress('making the repository of the history');
  await restic(resticInit, { timeoutSeconds: PROBE_SECONDS });
}

const REPOSITORY_PARTS: ReadonlySet<string> = new Set(['data', 'index', 'keys', 'snapshots']);

async function forget(history: History, record: HistoryRecord): Promise<HistoryRecord> {
  const { context, repository, restic } = history;
  const known = about(history, record);
  const now = context.now();
  if (!isDue(timeOf(known.prunedAt), context.config.prune_every_days, now.getTime())) return record;
  context.onProgress('removing what the history need not keep');
  await restic(resticForget(context, context.config.keep), { locks: true });
  return { ...known, repository, prunedAt: now.toISOString() };
}

async function check(
  history: History,
  record: HistoryRecord,
  subsetPercent: number,
): Promise<HistoryRecord> {
  const { context, repository, restic } = history;
  const known = about(history, record);
  const now = context.now();
  if (!isDue(timeOf(known.checkedAt), context.config.check_every_days, now.getTime()))
    return record;
  context.onProgress('checking the history');
  await restic(resticCheck(subsetPercent), { locks: true });
  return { ...known, repository, checkedAt: now.toISOString() };
}

function timeOf(text: string | undefined): number {
  return Date.parse(text ?? '');
}

/** What is remembered of another repository says nothing about this one. */
function about({ repository }: History, record: HistoryRecord): HistoryRecord {
  return record.repository === repository ? record : {};
}

async function restore(history: History, snapshot: string, target: string): Promise<void> {
  const { context, restic } = history;
  await mkdir(target, { recursive: true, mode: 0o700 });
  if ((await readdir(target)).length > 0) {
    throw new RefusedError(
      `${target} is not empty: what is in it would be mixed with the snapshot`,
      'name a directory that is not there yet',
    );
  }
  const isSparse = atLeast(await installedVersion(restic), SPARSE_SINCE);
  const status = `restoring snapshot ${snapshot}`;
  context.onProgress(status);
  const onLine = progress(context, status);
  await restic(resticRestore(snapshot, target, isSparse), { locks: true, onLine });
}

function progress(context: HistoryContext, status: string): (line: string) => void {
  return (line) => {
    const bytes = bytesDoneIn(line);
    if (bytes !== undefined) context.onProgress(status, bytes);
  };
}

function failed({ context }: History, problem: HistoryProblem): HistoryError {
  return historyError(problem, context.config, context.project);
}
