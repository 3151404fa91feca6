import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Invocation } from '../command-table.ts';
import { cacheFile, configKey } from '../config/cached.ts';
import type { Config } from '../config/schema.ts';
import { isWanted } from '../core/notification.ts';
import { OperatorError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Host } from '../host/host.ts';
import {
  acquireLock,
  isAlive,
  isElsewhere,
  lockKeepers,
  readLockHolder,
  type LockHolder,
} from '../host/lock.ts';
import { chooseStream, createLog, type Log } from '../host/log.ts';
import { createNotifier, type Notifier } from '../host/notifier.ts';
import { listenForStop, type Stop } from '../host/stop.ts';
import { createStatusLine, outliveReaders, type StatusLine } from '../host/terminal.ts';
import { files } from '../state-names.ts';
import { deliverWaiting } from './tell-waiting.ts';

/** What a command that touches the host works with. */
export interface Context {
  readonly config: Config;
  readonly host: Host;
  readonly log: Log;
  readonly notifier: Notifier;
  readonly statusLine: StatusLine;
}

/** What is there before the host is opened: the way to systemd and to a stop. */
export interface Door {
  readonly notifier: Notifier;
  readonly stop: Stop;
}

/** Opens the way to systemd and listens for signals, as early as possible. */
export function openDoor(environment: NodeJS.ProcessEnv): Door {
  const notifier = createNotifier(environment);
  const stop = listenForStop((signal) => {
    notifier.stopping(`${signal}: stopping; an update under way is taken back first`);
    createStatusLine(false, () => 0).print(
      `${signal}: stopping; an update under way is taken back first\n`,
    );
  });
  return { notifier, stop };
}

/** Reads the configuration, checks it whole, and remembers that it was good. */
export async function readConfig(invocation: Invocation): Promise<Config> {
  const { settings, environment } = invocation;
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig({
    file: settings.configFile,
    fileRequired: settings.configFileRequired,
    environment,
    flags: settings.overrides,
  });
}

/** Opens the host for a command. */
export async function openContext(invocation: Invocation, door: Door): Promise<Context> {
  const { settings, environment } = invocation;
  requireRoot();
  outliveReaders();
  const config = await readConfig(invocation);
  const stream = chooseStream(environment);
  const isQuiet = invocation.json || invocation.flags['auto'] === true;
  const statusLine = createStatusLine(
    stream === 'terminal' && !isQuiet,
    // A terminal that does not know its width says 0.
    () => process.stderr.columns || 80,
  );
  const log = await createLog({ stream, debug: settings.debug, write: statusLine.print });
  const { createHost } = await import('../host/create-host.ts');
  const announce = (): void => {
    const isWished = config.notify.targets.some(({ events }) => isWanted('started', events));
    if (isWished) void deliverWaiting(invocation);
  };
  const host = await createHost({ config, settings, log, statusLine, announce, ...door });
  return { config, host, log, notifier: door.notifier, statusLine };
}

/** Has the next run find the configuration without reading it again. Only under the lock. */
export async function rememberConfig(invocation: Invocation, config: Config): Promise<void> {
  const { settings, environment } = invocation;
  const { replaceFile } = await import('../host/state-files.ts');
  await replaceFile(
    cacheFile(settings),
    JSON.stringify({ key: configKey(settings, environment), config }),
  );
}

/** Whoever only looks whether the lock is taken has it for microseconds. */
const SOMEBODY_LOOKS_MS = 150;

/**
 * Does something that only one process may do at a time. The lock dies with its holder.
 *
 * @throws {OperatorError} with exit code 11 when another run has it; it says which
 */
export async function withLock<Result>(
  invocation: Invocation,
  act: () => Promise<Result>,
): Promise<Result> {
  requireRoot();
  const { stateDirectory } = invocation.settings;
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  const path = join(stateDirectory, files.lock);
  const lock = acquireLock(path) ?? (await wait(SOMEBODY_LOOKS_MS), acquireLock(path));
  if (!lock) throw refusedBy(path);
  try {
    return await act();
  } finally {
    lock.release();
  }
}

/** Whether a change of the engine is unfinished, and no person is waited for. */
export function isEngineCutOff({ settings }: Invocation): boolean {
  const isThere = (name: string): boolean => existsSync(join(settings.stateDirectory, name));
  return isThere(files.engineTransaction) && !isThere(files.needsOperator);
}

/** Whether a run before has seen that Docker lost what it says it restarts, or a repair of the engine is unfinished. */
export function isEngineToBeMended({ settings }: Invocation): boolean {
  const names = [files.engineStuck, files.engineIncident];
  return names.some((name) => existsSync(join(settings.stateDirectory, name)));
}

const LOCK_WAIT_SECONDS = 150;
const BETWEEN_TRIES_MS = 1000;

/** As `withLock`, and waits: a run that waits for Docker, as the one at boot does, gives up by itself after a while. */
export async function whenFree<Result>(
  invocation: Invocation,
  log: Log,
  act: () => Promise<Result>,
): Promise<Result> {
  const startedAtMs = performance.now();
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await withLock(invocation, act);
    } catch (error) {
      const isLate = performance.now() - startedAtMs > LOCK_WAIT_SECONDS * 1000;
      if (isLate || !(error instanceof RunUnderWayError)) throw error;
      if (isFirst) log.info(`waiting: ${error.message}`);
      await wait(BETWEEN_TRIES_MS);
    }
  }
}

/** Another run is at work: it sees to everything itself. */
export class RunUnderWayError extends OperatorError {
  override name = 'RunUnderWayError';

  constructor(who: string) {
    super(
      `another run is under way${who}`,
      'journalctl -u orchestrator-update -f    # watch it',
      exitCodes.locked,
    );
  }
}

function refusedBy(path: string): OperatorError {
  const holder = readLockHolder(path);
  if (holder && !isAlive(holder)) return leftBy(holder, path);
  if (holder === undefined) return new RunUnderWayError('');
  const { pid, startedAt } = holder;
  const where = isElsewhere(holder) ? 'on the other side of a container, ' : '';
  return new RunUnderWayError(` (${where}process ${pid}, since ${startedAt})`);
}

/** Its own sandbox keeps the service from seeing what other processes have open: then nobody is named. */
function leftBy({ pid }: LockHolder, path: string): OperatorError {
  const keepers = lockKeepers(path);
  const left = keepers.map((one) => `${one.name} (process ${one.pid})`).join(', ');
  const pids = keepers.map((one) => one.pid);
  const look =
    pids.length > 0 ? `ps -o pid,etime,args -p ${pids.join(',')}` : `fuser -v ${path}.children`;
  return new OperatorError(
    `a run was killed (process ${pid}), and what it had started goes on${left === '' ? '' : `: ${left}`}`,
    `try again when it has ended; its \`timeout\` ends it at the latest: ${look}`,
    exitCodes.locked,
  );
}

/** @throws {OperatorError} for everybody else */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new OperatorError('this command needs to be root', 'sudo orchestrator-update …');
}
