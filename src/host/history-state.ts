import { access, constants } from 'node:fs/promises';
import {
  resticLock,
  resticLocks,
  resticSnapshots,
  resticStats,
  resticVersion,
} from '../argv/restic.ts';
import { localDirectory, type HistoryConfig } from '../config/history-schema.ts';
import type { HistorySnapshot } from '../core/history.ts';
import { messageOf, OperatorError } from '../errors.ts';
import { historyError, type HistoryError } from './history-errors.ts';
import type { HistoryState } from './history-host.ts';
import { isKind, PROBE_SECONDS, type RunRestic } from './restic.ts';

/** Whose history it is, and where. */
interface ResticPlace {
  readonly config: HistoryConfig;
  readonly project: string;
}

/** The version of restic: `0.14.0`. */
export async function installedVersion(restic: RunRestic): Promise<string> {
  const { stdout } = await restic(resticVersion, { timeoutSeconds: PROBE_SECONDS });
  return /restic (\S+)/.exec(stdout)?.[1] ?? '0';
}

/** The snapshots of a project, newest first. */
export async function listSnapshots(
  restic: RunRestic,
  project: string,
): Promise<HistorySnapshot[]> {
  const command = resticSnapshots(project);
  const { stdout } = await restic(command, { timeoutSeconds: PROBE_SECONDS });
  return readSnapshots(stdout);
}

/** Bytes that the whole repository takes. */
export async function repositorySize(restic: RunRestic): Promise<number> {
  const { stdout } = await restic(resticStats);
  return (JSON.parse(stdout) as { total_size: number }).total_size;
}

/** Everything that `doctor` wants to know; throws nothing. */
export async function historyState(restic: RunRestic, context: ResticPlace): Promise<HistoryState> {
  const nothing = { problem: undefined, isMade: false, snapshots: [], locks: [] };
  const state: { version?: string } = {};
  try {
    state.version = await installedVersion(restic);
    const snapshots = await listSnapshots(restic, context.project);
    const locks = await lockHolders(restic);
    const problem = await unwritable(context);
    return { version: state.version, problem, isMade: true, snapshots, locks };
  } catch (error) {
    const isToBeMade = isKind(error, 'missing');
    const problem = isToBeMade ? undefined : foreseenError(error);
    return { ...nothing, version: state.version, problem };
  }
}

function foreseenError(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error;
  return new OperatorError(`history: ${messageOf(error)}`, 'orchestrator-update config check');
}

/** Only of a repository on this host: another is only known by writing to it. */
async function unwritable({ config, project }: ResticPlace): Promise<HistoryError | undefined> {
  const directory = localDirectory(config.repository ?? '');
  if (directory === undefined) return undefined;
  return access(directory, constants.W_OK).then(
    () => undefined,
    (error: unknown) =>
      historyError({ kind: 'unwritable', cause: messageOf(error) }, config, project),
  );
}

async function lockHolders(restic: RunRestic): Promise<string[]> {
  const { stdout } = await restic(resticLocks, { timeoutSeconds: PROBE_SECONDS });
  const ids = stdout.split('\n').filter((id) => /^[0-9a-f]{64}$/.test(id));
  const found = await Promise.allSettled(
    ids.map((id) => restic(resticLock(id), { timeoutSeconds: PROBE_SECONDS })),
  );
  // One that was let go meanwhile is none.
  return found.flatMap((lock) => (lock.status === 'fulfilled' ? [holder(lock.value.stdout)] : []));
}

function holder(text: string): string {
  const lock = JSON.parse(text) as {
    time: string;
    exclusive: boolean;
    hostname: string;
    pid: number;
  };
  const since = lock.time.replace(/\.\d+/, '');
  const kind = lock.exclusive ? 'alone' : 'with others';
  return `PID ${lock.pid} on ${lock.hostname}, ${kind}, since ${since}`;
}

/** `restic snapshots --json`, newest first. */
function readSnapshots(output: string): HistorySnapshot[] {
  const found = JSON.parse(output) as readonly ResticSnapshot[] | null;
  return (found ?? [])
    .map(({ short_id, time, hostname, tags }) => ({
      snapshot: short_id,
      at: new Date(time).toISOString(),
      host: hostname,
      name: tagged(tags, 'backup='),
      commit: tagged(tags, 'commit='),
    }))
    .toSorted((left, right) => right.at.localeCompare(left.at, 'en'));
}

interface ResticSnapshot {
  readonly short_id: string;
  readonly time: string;
  readonly hostname: string;
  readonly tags?: readonly string[] | null;
}

function tagged(tags: ResticSnapshot['tags'], prefix: string): string {
  return tags?.find((tag) => tag.startsWith(prefix))?.slice(prefix.length) ?? '';
}
