import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Invocation } from './command-table.ts';
import { cacheFile, readCachedConfig } from './config/cached.ts';
import type { Config } from './config/schema.ts';
import { messageOf } from './errors.ts';
import { withDeliveryLock } from './host/delivery-lock.ts';
import { acquireLock, lockForChildren } from './host/lock.ts';
import { chooseStream, createQuickLog } from './host/log.ts';
import { send } from './host/send.ts';
import { openStateFiles, removeLeftovers } from './host/state-files.ts';
import { deliver } from './deliver.ts';
import { queueNotices, type Outbox } from './outbox.ts';
import { files } from './state-names.ts';
import { dropWatchConfig, withManagerTargets } from './watch-config.ts';

/** Another one that delivers is ready by then. */
const PATIENCE_MS = 15_000;
/** No delivery is begun later; one that is under way has its own time. */
const BUDGET_MS = 10_000;
/** What was cut off so long ago is being written by nobody. */
const LEFT_AFTER_MS = 3_600_000;
const LEAST_SECONDS = 0.1;

/**
 * Has everybody told who is to be told, as far as that can be done now. Never throws: whatever becomes of it, the run
 * before it has ended as it has.
 *
 * @param isForced what was tried in vain is tried now, whenever it was to be
 * @param withinSeconds for all of it, in place of the time that each target has
 */
export async function deliverNotices(
  invocation: Invocation,
  { isForced = false, withinSeconds = Infinity } = {},
): Promise<void> {
  const { settings, environment } = invocation;
  const endMs = performance.now() + withinSeconds * 1000;
  const leftMs = (): number => Math.max(0, endMs - performance.now());
  const log = createQuickLog({ stream: chooseStream(environment), debug: settings.debug });
  try {
    const outbox = await openOutbox(invocation, leftMs);
    if (outbox === undefined) return;
    const at = (name: string): string => join(settings.stateDirectory, name);
    await withDeliveryLock(at(files.outboxLock), Math.min(PATIENCE_MS, leftMs()), async () => {
      for (const name of [files.untold, files.told, files.outbox])
        await removeLeftovers(at(name), LEFT_AFTER_MS);
      await queueNotices(outbox);
      await deliver(outbox, Math.min(BUDGET_MS, leftMs()), isForced);
    });
    await tidyAfterManager(at(files.watchLock), outbox);
  } catch (error) {
    log.warn(`notify: nobody can be told now: ${messageOf(error)}`);
  }
}

/** One that left, or was killed, while something waited has left behind whom to tell. */
async function tidyAfterManager(watchLock: string, { state }: Outbox): Promise<void> {
  // In the middle of a run: another lock would have its place with our children.
  if (lockForChildren() !== undefined) return;
  if ((await state.read(files.watchConfig)) === undefined) return;
  const lock = acquireLock(watchLock);
  if (lock === undefined) return;
  try {
    await dropWatchConfig(state);
  } finally {
    lock.release();
  }
}

/**
 * Undefined where no configuration was ever good: then nobody is known who could be told.
 *
 * @param leftMs how long a delivery that begins now may take, whatever its target may
 */
export async function openOutbox(
  invocation: Invocation,
  leftMs: () => number = () => Infinity,
): Promise<Outbox | undefined> {
  const { settings, environment } = invocation;
  const config =
    readCachedConfig(settings, environment) ??
    (await readNow(invocation).catch(() => lastGood(invocation)));
  if (config === undefined) return undefined;
  const state = openStateFiles(settings.stateDirectory);
  return {
    state,
    log: createQuickLog({ stream: chooseStream(environment), debug: settings.debug }),
    ...(await withManagerTargets(state, config.notify.targets)),
    host: hostname(),
    project: config.project_name,
    nowMs: () => Date.now(),
    send: (target, { notification }) => {
      // It is in the message, too.
      const seconds = Math.min(target.timeout_seconds, Math.floor(leftMs() / 100) / 10);
      return send({ ...target, timeout_seconds: Math.max(LEAST_SECONDS, seconds) }, notification, {
        now: new Date(),
        isSandboxed: environment['INVOCATION_ID'] !== undefined,
      });
    },
  };
}

async function readNow({ settings, environment }: Invocation): Promise<Config> {
  const { loadConfig } = await import('./config/load.ts');
  return loadConfig({
    file: settings.configFile,
    fileRequired: settings.configFileRequired,
    environment,
    flags: settings.overrides,
  });
}

/** That the configuration is broken is to be told as well: to whom the last good one names. */
function lastGood({ settings }: Invocation): Config | undefined {
  try {
    const { config } = JSON.parse(readFileSync(cacheFile(settings), 'utf8')) as { config?: Config };
    return Array.isArray(config?.notify?.targets) ? config : undefined;
  } catch {
    return undefined;
  }
}
