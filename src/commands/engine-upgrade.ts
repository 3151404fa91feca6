import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import {
  followEngineUnit,
  resetEngineUnit,
  startEngineUnit,
  ENGINE_UNIT,
} from '../argv/engine-upgrade.ts';
import { systemctlShow } from '../argv/systemctl.ts';
import type { Invocation } from '../command-table.ts';
import type { Config } from '../config/schema.ts';
import { refusalsOf, type EngineFactsBefore } from '../core/engine-preflight.ts';
import { isContainerdStepBack, reversed } from '../core/engine-transaction.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import { readEngineRecord } from '../engine-records.ts';
import { askForEngine, readEngineOutcome } from '../engine-request.ts';
import { OperatorError, RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { openEngineApi } from '../host/engine-api.ts';
import { dockerSocket } from '../host/engine-socket.ts';
import { readFactsBefore } from '../host/engine-facts-before.ts';
import { viewEngine } from '../host/engine-view.ts';
import { hindranceIn } from '../hindrance.ts';
import { exec } from '../host/exec.ts';
import type { StateHost } from '../host/host.ts';
import { openStateFiles } from '../host/state-files.ts';
import { files } from '../state-names.ts';
import type { EngineOutcome } from '../engine-outcome.ts';
import { readConfig, RunUnderWayError } from './context.ts';

/** What a caller is told of each outcome. */
export const exitCodeOf: Readonly<Record<EngineOutcome['state'], ExitCode>> = {
  done: exitCodes.done,
  'taken back': exitCodes.rolledBack,
  aborted: exitCodes.failed,
  interrupted: exitCodes.interrupted,
  operator: exitCodes.operator,
};

/** Nobody hurries what is under way: packages, restarts, the time it is watched. */
const UNIT_SECONDS = 7 * 86_400;
const ASK_SECONDS = 15;
/** The journal is a moment behind. */
const LAST_WORDS_MS = 300;

/** `engine upgrade [--to VERSION] [--dry-run]`. */
export async function upgrade(invocation: Invocation): Promise<ExitCode> {
  const { settings, environment } = invocation;
  const to = versionIn(invocation.flags['to']);
  const config = await readConfig(invocation);
  const state = openStateFiles(settings.stateDirectory);
  const facts = await readFactsBefore(
    {
      socket: dockerSocket(environment),
      state,
      stateDirectory: settings.stateDirectory,
      backupsDirectory: config.backups_dir,
    },
    to,
  );
  const isDry = invocation.flags['dry-run'] === true;
  const { changes } = facts.upgrade;
  const refusals = refusalsOf(facts, { backupHours: config.engine.backup_hours });
  if (isDry && invocation.json) {
    print(JSON.stringify({ changes, refusals }, undefined, 2));
  } else if (!invocation.json) {
    print(planText(facts, config));
  }
  const [refusal] = refusals;
  if (refusal !== undefined)
    throw refused(
      refusals.map(({ why }) => why),
      refusal.next,
    );
  if (changes.length === 0) {
    if (!isDry && invocation.json) print(JSON.stringify(nothingNewer, undefined, 2));
    return exitCodes.done;
  }
  if (isDry) return exitCodes.waiting;
  return carryOut(invocation, config, state, {
    verb: 'upgrade',
    ...(to === undefined ? {} : { to }),
  });
}

const nothingNewer: EngineOutcome = {
  state: 'done',
  summary: 'nothing newer',
  changes: [],
  problems: [],
};

function refused(whys: readonly string[], next: string): RefusedError {
  return new RefusedError(`the engine is not upgraded: ${whys.join('; ')}`, next);
}

function versionIn(text: Invocation['flags'][string]): string | undefined {
  if (text === undefined) return undefined;
  if (typeof text === 'string' && /^[\w.+~:-]+$/.test(text) && /\d/.test(text)) return text;
  throw new UsageError(
    `--to: a version is expected (28.5.2), not ${String(text)}`,
    'orchestrator-update engine --help',
  );
}

/** `engine rollback [--dry-run]`. */
export async function rollback(invocation: Invocation): Promise<ExitCode> {
  const { settings, environment } = invocation;
  const config = await readConfig(invocation);
  const state = openStateFiles(settings.stateDirectory);
  const record = await readEngineRecord(state);
  if (record === undefined) {
    throw new RefusedError(
      'no upgrade of the engine is known that could be taken back',
      'orchestrator-update engine status',
    );
  }
  const hindrance = await hindranceIn(state);
  if (hindrance !== undefined) {
    const why = `the engine is not taken back: ${hindrance}`;
    throw new RefusedError(why, 'orchestrator-update status');
  }
  const changes = reversed(record.changes);
  const api = openEngineApi(dockerSocket(environment), ASK_SECONDS);
  const view = await viewEngine(api).catch(() => undefined);
  const since = Date.parse(record.restartedAt ?? '');
  const running = (view?.containers ?? []).filter(({ pid }) => pid !== 0);
  const stopped =
    view?.liveRestore !== true
      ? running
      : running.filter(
          ({ startedAt }) => isContainerdStepBack(changes) && Date.parse(startedAt) >= since,
        );
  const interrupts = stopped.map(({ name }) => name);
  const isDry = invocation.flags['dry-run'] === true;
  if (isDry && invocation.json) print(JSON.stringify({ changes, interrupts }, undefined, 2));
  else if (!invocation.json) print([...changeLines(changes), interruptText(interrupts)].join('\n'));
  if (isDry) return exitCodes.waiting;
  return carryOut(invocation, config, state, { verb: 'rollback' });
}

function interruptText(names: readonly string[]): string {
  if (names.length === 0) return 'containers run on; ports do not answer while dockerd restarts';
  return `stopped, and started again: ${names.join(', ')}`;
}

function changeLines(changes: readonly PackageChange[]): string[] {
  return changes.map(({ name, from, to }) => `  ${name} ${from ?? 'new'} → ${to ?? 'removed'}`);
}

function planText(facts: EngineFactsBefore, config: Config): string {
  const { backup, probes } = facts;
  const { changes } = facts.upgrade;
  if (changes.length === 0) return 'nothing newer';
  return [
    'the engine is upgraded:',
    ...changeLines(changes),
    `  the newest good backup: ${backup?.name ?? 'none'}`,
    `  it works now: ${probes.map(({ name, state }) => `${name} ${state}`).join(', ')}`,
    config.engine.live_restore
      ? '  containers run on (live-restore, where Docker allows it); ports do not answer for about a second'
      : '  every container is restarted, unless live-restore is on already',
    `  then it is watched for ${config.engine.hold_seconds} s, and taken back if it does not work`,
  ].join('\n');
}

/** Asks the engine's unit, shows what it says, and waits for its end, whatever becomes of this terminal. */
async function carryOut(
  invocation: Invocation,
  config: Config,
  state: StateHost,
  asked: { readonly verb: 'upgrade' | 'rollback'; readonly to?: string },
): Promise<ExitCode> {
  // 5: there is no such unit.
  const unit = { timeoutSeconds: UNIT_SECONDS, accept: [1, 5] };
  if (await isUnderWay()) throw new RunUnderWayError(` (${ENGINE_UNIT})`);
  await askForEngine(state, {
    ...asked,
    engine: config.engine,
    backupsDirectory: config.backups_dir,
    socket: dockerSocket(invocation.environment),
  });
  await exec(resetEngineUnit, { timeoutSeconds: ASK_SECONDS, accept: [1] });
  const follower = spawn(followEngineUnit.file, followEngineUnit.args, {
    stdio: ['ignore', invocation.json ? 'ignore' : 2, 'ignore'],
  });
  try {
    await exec(startEngineUnit, unit);
    await wait(LAST_WORDS_MS);
  } finally {
    follower.kill();
  }
  const outcome = await readEngineOutcome(state);
  if (outcome === undefined) {
    // Nobody is to find it, and begin it, at another time.
    if (!(await isUnderWay())) await state.remove(files.engineRequest);
    throw notEnded();
  }
  print(invocation.json ? JSON.stringify(outcome, undefined, 2) : outcomeText(outcome));
  return exitCodeOf[outcome.state];
}

/** Whether the engine's unit is at work. */
export async function isUnderWay(): Promise<boolean> {
  const { stdout } = await exec(systemctlShow(ENGINE_UNIT, ['ActiveState']), {
    timeoutSeconds: ASK_SECONDS,
  });
  return /^ActiveState=(activating|active|deactivating)$/m.test(stdout);
}

function notEnded(): OperatorError {
  return new OperatorError(
    `${ENGINE_UNIT} did not come to an end, or is not installed`,
    `journalctl -u ${ENGINE_UNIT} -n 50; systemctl start ${ENGINE_UNIT}    # goes on; install_update_service.sh installs it`,
  );
}

function outcomeText({ summary, state }: EngineOutcome): string {
  if (state !== 'operator') return summary;
  return `${summary}\nnext: orchestrator-update engine status; mend it by hand, then: orchestrator-update acknowledge`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
