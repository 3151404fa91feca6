import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { printable, type Command } from '../argv/command.ts';
import { resticUnlock } from '../argv/restic.ts';
import { parseEnvironmentFile } from '../config/environment-file.ts';
import type { HistoryConfig } from '../config/history-schema.ts';
import { isHopeless, problemIn, type ProblemKind } from '../core/history-problem.ts';
import { MASK } from '../core/secrets.ts';
import { CommandError, exec, type ExecResult, type Watch } from './exec.ts';
import { HistoryError, historyError } from './history-errors.ts';
import { readSecretFile } from './secret-file.ts';

export interface ResticContext {
  /** With a repository and its password file. */
  readonly config: HistoryConfig;
  /** The compose project. */
  readonly project: string;
  /** restic's cache is made below; it saves reading the repository's index and trees over the network. */
  readonly cacheDirectory: string;
  readonly signal: () => AbortSignal | undefined;
  readonly watch: Watch;
  readonly onProgress: (status: string) => void;
  /** How long a repository that somebody else has locked is waited for. */
  readonly lockWaitSeconds: number;
}

/** How a command of restic is run. */
export interface ResticRun {
  readonly cwd?: string;
  /** In all, and at most `timeout_seconds` of the configuration. */
  readonly timeoutSeconds?: number;
  /** Exit codes that are answers. */
  readonly accept?: readonly number[];
  readonly onLine?: (line: string) => void;
  /** It needs a lock: one that is left over is removed, one that is alive is waited for. */
  readonly locks?: boolean;
  /** How many cores its own code may use at a time; all of them if left out. */
  readonly cores?: number;
}

/** restic itself would try for a quarter of an hour to reach a place that is away. */
export const PROBE_SECONDS = 120;
const LOCK_RETRY_SECONDS = 10;
/** A shorter value, such as a region's, is no secret, and would be masked in the middle of words. */
const SHORTEST_SECRET = 8;

export type RunRestic = (command: Command, how?: ResticRun) => Promise<ExecResult>;

/**
 * Runs restic on one repository.
 *
 * @throws {ConfigError} for a password or environment file that is not as it must be
 * @throws {HistoryError} for everything else
 */
export function createRestic(context: ResticContext): RunRestic {
  return async (command, how = {}) => {
    const secrets = await readSecrets(context.config);
    await mkdir(cacheOf(context), { recursive: true, mode: 0o700 });
    const attempt = (what: Command, run: ResticRun): Promise<ExecResult> =>
      runOnce(context, secrets, what, run);
    if (how.locks !== true) return attempt(command, how);
    return withoutLocks(
      context,
      () => attempt(command, how),
      async () => {
        await attempt(resticUnlock, { timeoutSeconds: PROBE_SECONDS });
      },
    );
  };
}

async function readSecrets(config: HistoryConfig): Promise<Record<string, string>> {
  // Only looked at: restic reads it, and no message of ours can have it then.
  await readSecretFile(config.password_file ?? '', 'history.password_file');
  const path = config.environment_file;
  if (path === undefined) return {};
  return parseEnvironmentFile(await readSecretFile(path, 'history.environment_file'), path);
}

function cacheOf({ cacheDirectory }: ResticContext): string {
  return join(cacheDirectory, 'restic');
}

async function runOnce(
  context: ResticContext,
  secrets: Readonly<Record<string, string>>,
  command: Command,
  how: ResticRun,
): Promise<ExecResult> {
  const { config, watch } = context;
  const hopeless = new AbortController();
  const stop = context.signal();
  try {
    return await exec(command, {
      ...(how.cwd === undefined ? {} : { cwd: how.cwd }),
      environment: {
        // Of Go, which restic is written in. The environment file may say another.
        ...(how.cores === undefined ? {} : { GOMAXPROCS: String(how.cores) }),
        ...secrets,
        RESTIC_REPOSITORY: config.repository ?? '',
        RESTIC_PASSWORD_FILE: config.password_file ?? '',
        RESTIC_CACHE_DIR: cacheOf(context),
        // Lines with the progress: one a second.
        RESTIC_PROGRESS_FPS: '1',
        // `--time` is read as local time.
        TZ: 'UTC',
      },
      timeoutSeconds: Math.min(how.timeoutSeconds ?? Infinity, config.timeout_seconds),
      signal: AbortSignal.any([hopeless.signal, ...(stop ? [stop] : [])]),
      keepsLock: how.locks === true,
      accept: how.accept ?? [],
      watch: {
        started: watch.started,
        line: (line) => {
          if (isHopeless(line)) hopeless.abort();
          watch.line(line);
          how.onLine?.(line);
        },
      },
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (stop?.aborted === true)
      throw historyError({ kind: 'stopped', cause: '' }, config, context.project);
    // Not the words of the command: a path in them is no answer of restic's.
    const said = error.message.slice(printable(command).length);
    const { kind, cause } = problemIn(`${error.stderr}\n${said}`, error.exitedWith);
    const shown = masked(cause, Object.values(secrets));
    throw historyError({ kind, cause: shown }, config, context.project);
  }
}

function masked(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
}

/**
 * A restic that was killed leaves its lock; `unlock` knows it by its process and takes that one alone
 * away. What is locked after that is in use: it is tried again for a while. `--retry-lock` would wait
 * the same time for a lock that is left over, and restic 0.14 does not have it.
 */
async function withoutLocks(
  context: ResticContext,
  attempt: () => Promise<ExecResult>,
  unlock: () => Promise<void>,
): Promise<ExecResult> {
  const first = await lockedOr(attempt);
  if (!(first instanceof HistoryError)) return first;
  await unlock();
  const until = performance.now() + context.lockWaitSeconds * 1000;
  for (;;) {
    const again = await lockedOr(attempt);
    if (!(again instanceof HistoryError)) return again;
    if (performance.now() >= until) throw again;
    context.onProgress('waiting for the lock of the history');
    const seconds = Math.min(LOCK_RETRY_SECONDS, context.lockWaitSeconds);
    const signal = context.signal();
    await sleep(seconds * 1000, undefined, signal ? { signal } : {}).catch(() => {});
    if (signal?.aborted === true) throw again;
  }
}

async function lockedOr(attempt: () => Promise<ExecResult>): Promise<ExecResult | HistoryError> {
  return attempt().catch((error: unknown) => {
    if (isKind(error, 'locked')) return error;
    throw error;
  });
}

/** Whether the history could not be used for this reason. */
export function isKind(error: unknown, kind: ProblemKind): error is HistoryError {
  return error instanceof HistoryError && error.kind === kind;
}
