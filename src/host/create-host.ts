import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { syncFilesystem } from '../argv/files.ts';
import type { Config } from '../config/schema.ts';
import { damagedNames } from '../core/verification.ts';
import { InterruptedError } from '../errors.ts';
import { readVerifications } from '../records.ts';
import type { Settings } from '../settings.ts';
import { files } from '../state-names.ts';
import { withTowersStill } from '../towers.ts';
import { createBackups } from './backups.ts';
import { createCompose } from './compose.ts';
import { diskOf, pathExists } from './disk.ts';
import { createEngine, type EngineContext } from './engine.ts';
import { openEngineApi, openEngineStream } from './engine-api.ts';
import { dockerSocket } from './engine-socket.ts';
import { readFacts } from './engine-facts.ts';
import { exec, type Watch } from './exec.ts';
import { createGit } from './git.ts';
import { createHistory } from './history.ts';
import type { Host } from './host.ts';
import { probe } from './http.ts';
import type { RegistryContext } from './registry.ts';
import type { Log } from './log.ts';
import type { Notifier } from './notifier.ts';
import { portIsFree } from './ports.ts';
import { createFreezeGuard, createTowerGuard } from './freeze-guard.ts';
import { findRepository } from './repository.ts';
import { createOwnContainer } from './own-container.ts';
import { openStateFiles } from './state-files.ts';
import type { Stop } from './stop.ts';
import { createSwaps } from './swaps.ts';
import type { StatusLine } from './terminal.ts';

/** What the real host is made of. */
export interface HostParts {
  readonly config: Config;
  readonly settings: Settings;
  readonly log: Log;
  readonly notifier: Notifier;
  readonly statusLine: StatusLine;
  readonly stop: Stop;
  readonly announce: () => void;
}

/** Time systemd gives us beyond the limit of the command we wait for. */
const GRACE_SECONDS = 60;
/** Time systemd gives us after each sign of progress. */
const PROGRESS_SECONDS = 180;
const API_TIMEOUT_SECONDS = 30;
const PING_TIMEOUT_SECONDS = 3;
const SYNC_TIMEOUT_SECONDS = 900;

/** The real machine. */
export async function createHost(parts: HostParts): Promise<Host> {
  const { config, settings, log, notifier, statusLine, stop } = parts;
  const repository = await findRepository(config);
  await mkdir(settings.stateDirectory, { recursive: true, mode: 0o700 });
  await mkdir(settings.cacheDirectory, { recursive: true, mode: 0o711 });
  const progress = (status: string, fraction?: number): void => {
    notifier.status(fraction === undefined ? status : `${status}: ${Math.round(fraction * 100)}%`);
    notifier.extend(PROGRESS_SECONDS);
    statusLine.show(status, fraction);
  };
  const watch: Watch = {
    started: (limitSeconds) => notifier.extend(limitSeconds + GRACE_SECONDS),
    line: (text) => {
      notifier.extend(PROGRESS_SECONDS);
      log.debug(text);
    },
  };
  const sleep = (seconds: number): Promise<void> => sleepUntilStopped(seconds, stop);
  const docker = openDocker(config);
  const own = createOwnContainer(docker.api);
  const state = openStateFiles(settings.stateDirectory);
  const shared = { config, repository, signal: stop.signal, watch, onProgress: progress };
  const copying = {
    ...shared,
    ...clock,
    isSandboxed: process.env['INVOCATION_ID'] !== undefined,
    warn: (message: string) => log.warn(message),
    damaged: async () => damagedNames(await readVerifications(state)),
  };
  return {
    git: createGit({ ...shared, cacheDirectory: settings.cacheDirectory }),
    compose: createCompose({ ...shared, ...settings, own }),
    engine: withTowersStill(createEngine({ ...shared, ...docker, sleep }), state),
    registries: openRegistries({ ...copying, ...docker, ...clock, state, sleep }),
    backups: createBackups(copying),
    swaps: createSwaps(copying),
    history: openHistory(parts, watch, progress),
    freezeGuard: createFreezeGuard(join(settings.stateDirectory, files.lock)),
    towerGuard: createTowerGuard(join(settings.stateDirectory, files.lock)),
    state,
    log,
    probe: (url, secrets) => probe(url, config.health.probe_timeout_seconds, secrets),
    portIsFree,
    exists: pathExists,
    disk: diskOf,
    barrier: async () => {
      const { rootDirectory } = await readFacts(docker.api);
      await syncAll([settings.stateDirectory, repository.directory, rootDirectory], watch);
    },
    ...clock,
    random: () => Math.random(),
    sleep,
    progress,
    announce: parts.announce,
    shieldFromSignals: stop.shield,
    obeySignals: stop.obey,
    interruptedBy: stop.requestedBy,
    isStopping: () => stop.signal()?.aborted === true,
  };
}

const clock: Pick<Host, 'now' | 'elapsedSeconds'> = {
  now: () => new Date(),
  elapsedSeconds: () => performance.now() / 1000,
};

async function syncAll(paths: readonly string[], watch: Watch): Promise<void> {
  for (const path of paths) {
    await exec(syncFilesystem(path), { timeoutSeconds: SYNC_TIMEOUT_SECONDS, watch });
  }
}

/** Most runs ask none: what speaks with them is loaded when it is needed. */
function openRegistries(context: RegistryContext): Host['registries'] {
  return {
    look: async (questions) => {
      const { lookAtRegistries } = await import('./registry.ts');
      return lookAtRegistries(context, questions);
    },
  };
}

/** The history of backups, where one is configured. */
function openHistory(
  { config, settings, stop }: HostParts,
  watch: Watch,
  progress: Host['progress'],
): Host['history'] {
  return createHistory({
    config: config.backup.history,
    project: config.project_name,
    host: hostname(),
    cacheDirectory: settings.cacheDirectory,
    now: () => new Date(),
    signal: stop.signal,
    watch,
    onProgress: (status, bytes) =>
      progress(status, bytes && bytes.total > 0 ? bytes.done / bytes.total : undefined),
  });
}

/** Ways to the Docker daemon, by how long an answer may take. */
function openDocker(
  config: Config,
): Pick<EngineContext, 'api' | 'apiWith' | 'ping' | 'patient' | 'stream'> {
  const socket = dockerSocket(process.env);
  return {
    api: openEngineApi(socket, API_TIMEOUT_SECONDS),
    apiWith: (headers) => openEngineApi(socket, API_TIMEOUT_SECONDS, headers),
    ping: openEngineApi(socket, PING_TIMEOUT_SECONDS),
    patient: openEngineApi(socket, config.timeouts.compose_seconds),
    stream: openEngineStream(socket),
  };
}

async function sleepUntilStopped(seconds: number, stop: Stop): Promise<void> {
  const signal = stop.signal();
  try {
    await wait(seconds * 1000, undefined, signal ? { signal } : {});
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError(stop.requestedBy() ?? 'a signal');
    throw error;
  }
}
