import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../command-table.ts';
import { setsKey } from '../config/overrides.ts';
import { targetSchema } from '../config/notify-schema.ts';
import type { Config } from '../config/schema.ts';
import { webhookOf } from '../core/webhook-url.ts';
import { messageOf, OperatorError, RefusedError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { hostTimer } from '../host/host-service.ts';
import { acquireLock } from '../host/lock.ts';
import { chooseStream, createQuickLog, type Log } from '../host/log.ts';
import { loadLibc } from '../host/native.ts';
import { seeOffHolder } from '../host/see-off.ts';
import { openStateFiles } from '../host/state-files.ts';
import { listenForWishes, type WatchSignals } from '../host/watch-signals.ts';
import { files } from '../state-names.ts';
import { dropWatchConfig } from '../watch-config.ts';
import { watchLoop } from '../watch-loop.ts';
import { readWatchSettings, WATCH_VARIABLES, type WatchSettings } from '../watch-settings.ts';
import { readConfig, requireRoot } from './context.ts';

/** What the name of a target that WEBHOOK_URL adds is. */
const WEBHOOK_NAME = 'webhook-url';

/** `watch`: the update manager. Each run is a process of its own; this one only starts them. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const { settings, environment } = invocation;
  requireRoot();
  const log = createQuickLog({ stream: chooseStream(environment), debug: settings.debug });
  // Before anything else: who is the first process of a container has no signal but those it listens for.
  const signals = listenForWishes((what) => log.info(what), hangUpOf());
  const wanted = readWatchSettings(environment);
  makePrivate(settings.stateDirectory);
  const lock = acquireLock(join(settings.stateDirectory, files.watchLock));
  if (!lock) {
    throw new OperatorError(
      'another update manager is at work on this host',
      'docker stop update_manager    # or end the `orchestrator-update watch` of the shell it was typed in',
      exitCodes.locked,
    );
  }
  try {
    await requireAlone(log, true);
    const config = await takeConfig(invocation, wanted);
    log.info(greeting(config, wanted));
    return await watchLoop(hostOf(invocation, { wanted, signals, log }), wanted.intervalSeconds);
  } finally {
    if (process.pid === 1) await seeOffHolder(join(settings.stateDirectory, files.lock), log);
    await dropConfig(invocation);
    lock.release();
  }
}

/** Where Docker has made it for a mount, it is open to all, and empty. */
function makePrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (readdirSync(directory).length === 0) chmodSync(directory, 0o700);
}

interface Parts {
  readonly wanted: WatchSettings;
  readonly signals: WatchSignals;
  readonly log: Log;
}

function hostOf(
  invocation: Invocation,
  { wanted, signals, log }: Parts,
): Parameters<typeof watchLoop>[0] {
  return {
    wishes: signals,
    run: () => runOnce(invocation, signals, log),
    wait: signals.wait,
    isUnfinished: () => isUnfinished(invocation),
    elapsedSeconds: () => performance.now() / 1000,
    beforeRun: () => requireAlone(log),
    reload: async () => {
      try {
        await takeConfig(invocation, wanted);
        log.info('SIGHUP: the configuration was read anew');
      } catch (error) {
        log.error(`SIGHUP: the configuration stays as it was: ${messageOf(error)}`);
        log.info('next: mend it (orchestrator-update config check), then send SIGHUP again');
      }
    },
  };
}

/** Whoever is paused, or taken apart, is not to wait for a long interval. */
function isUnfinished({ settings: { stateDirectory } }: Invocation): boolean {
  const isThere = (name: string): boolean => existsSync(join(stateDirectory, name));
  const isOpen = [files.active, files.frozen, files.towers].some(isThere);
  return isOpen && !isThere(files.needsOperator);
}

/** Two that follow the same branch by themselves would only be in each other's way. */
async function requireAlone(log: Log, isFirst = false): Promise<void> {
  const timer = await hostTimer().catch((error: unknown) => {
    // systemd is busy, or does not answer in time: the next run asks again.
    log.warn(`whether the timer of the host is on cannot be seen now: ${messageOf(error)}`);
    return 'off' as const;
  });
  if (timer === 'active' || timer === 'enabled') {
    throw new RefusedError(
      `the service of this host updates the cluster already: orchestrator-update.timer is ${timer}`,
      'on the host: systemctl disable --now orchestrator-update.timer    # or do without the update manager: docker stop update_manager',
    );
  }
  if (timer === undefined && isFirst) {
    log.warn(
      'whether the timer of the host is on cannot be seen from here: /etc/systemd/system of the host is not mounted',
    );
  }
}

/**
 * Reads the configuration, and has the runs to come go by it as it is now: what is written into it later counts from
 * the next SIGHUP on, if it is good.
 */
async function takeConfig(invocation: Invocation, wanted: WatchSettings): Promise<Config> {
  const { stateDirectory } = invocation.settings;
  const state = openStateFiles(stateDirectory);
  const config = await readConfig(invocation);
  const targets = [...config.notify.targets];
  if (wanted.webhookUrl !== undefined) {
    const { type, url } = webhookOf(wanted.webhookUrl);
    await state.write(files.watchWebhook, `${url}\n`);
    const target = { type, name: WEBHOOK_NAME, url_file: join(stateDirectory, files.watchWebhook) };
    targets.push(targetSchema.parse(type === 'slack' ? target : { ...target, unsigned: true }));
  } else await state.remove(files.watchWebhook);
  const mode = wanted.isAutomatic ? config.mode : 'notify';
  const settled = { ...config, mode, notify: { ...config.notify, targets } };
  // YAML has JSON in it.
  await state.write(files.watchConfig, `${JSON.stringify(settled, undefined, 2)}\n`);
  return settled;
}

async function dropConfig({ settings }: Invocation): Promise<void> {
  const state = openStateFiles(settings.stateDirectory);
  await dropWatchConfig(state).catch(() => {});
}

function greeting(config: Config, { intervalSeconds, webhookUrl }: WatchSettings): string {
  const what = config.mode === 'notify' ? 'tells of updates' : 'updates';
  const who = webhookUrl === undefined ? '' : '; WEBHOOK_URL is told, too';
  return `update manager: ${what} of ${config.project_name} from branch ${config.branch}, every ${intervalSeconds} s; SIGUSR1: now${who}`;
}

/** One run, in a process of its own: whatever becomes of it, the next one begins anew. */
async function runOnce(
  invocation: Invocation,
  signals: WatchSignals,
  log: Log,
): Promise<number | undefined> {
  let isAsked = false;
  try {
    const child = beginRun(invocation);
    const stop = (): void => {
      isAsked = child.kill('SIGTERM') || isAsked;
    };
    signals.onStop(stop);
    if (signals.isStopping()) stop();
    const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (exitCode !== null) return exitCode;
    // It did not listen yet, or not any more.
    const { stateDirectory } = invocation.settings;
    if (isAsked && signal === 'SIGTERM' && !existsSync(join(stateDirectory, files.active))) {
      return exitCodes.interrupted;
    }
    log.error(`the run was killed (${signal}); the next one finishes it, or takes it back`);
    return undefined;
  } catch (error) {
    // Too many processes, too little memory: it passes.
    log.error(`the run could not be started, and is tried again soon: ${messageOf(error)}`);
    return undefined;
  } finally {
    signals.onStop(undefined);
    // What lost its parent has become that of a container's first process; none of our own is there now.
    if (process.pid === 1) while (loadLibc().reap() > 0);
  }
}

function beginRun({ settings, environment }: Invocation): ChildProcess {
  const config = join(settings.stateDirectory, files.watchConfig);
  const args = ['run', '--auto', '--config', config, ...(settings.debug ? ['--debug'] : [])];
  const program = [...process.execArgv, process.argv[1] ?? ''];
  return spawn(process.execPath, [...program, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environmentOfRun(environment),
    // A session of its own: Ctrl-C, and a terminal that goes away, reach us alone.
    detached: true,
  });
}

/** Without what is in the configuration it is given: that would win over it. */
function environmentOfRun(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own: ReadonlySet<string> = new Set(WATCH_VARIABLES);
  const kept = Object.entries(environment).filter(([name]) => !own.has(name) && !setsKey(name));
  return Object.fromEntries(kept);
}

/** Whether the terminal this was typed in is gone; where there was none, it never is. */
function hangUpOf(): () => boolean {
  if (process.stdin.isTTY !== true) return () => false;
  return () => {
    try {
      closeSync(openSync('/dev/tty', 'r'));
      return false;
    } catch {
      return true;
    }
  };
}
