import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from '../argv/command.ts';
import {
  killDocker,
  resetEngine,
  restartContainerd,
  startEngine,
  stopDocker,
} from '../argv/engine-repair.ts';
import { reloadUnits } from '../argv/engine-upgrade.ts';
import { restartDocker } from '../argv/systemctl.ts';
import type { EngineView } from '../core/engine-transaction.ts';
import { isDockerd, type PackageChange } from '../core/engine-upgrade.ts';
import { readNeedsOperator } from '../records.ts';
import { files } from '../state-names.ts';
import { readBootId } from './boot-id.ts';
import { expect, openEngineApi, type EngineApi } from './engine-api.ts';
import { configProblem } from './engine-config.ts';
import { installKept, unitPlaces, waitForPackages } from './engine-install.ts';
import {
  fetchPackages,
  isSideInstalled,
  keptElsewhere,
  simulateKept,
  transactionsIn,
} from './engine-packages.ts';
import { probeEngine } from './engine-probes.ts';
import { createRepairHost, type RepairContext } from './engine-repair.ts';
import { viewEngine } from './engine-view.ts';
import { exec } from './exec.ts';
import { keepConfig, liveRestoreOff, liveRestoreOn, putConfigBack } from './kept-config.ts';
import { needPackages } from './packages.ts';
import { startEnded } from './start-ended.ts';
import type { Side, UpgradeHost } from './upgrade-host.ts';

/** What an upgrade of the engine is made of. */
export interface UpgradeContext extends RepairContext {
  /** A daemon that does not get ready within this time is taken for one that never will. */
  readonly startSeconds: number;
  /** Climbs the ladder of `engine repair`; what is still wrong after it. */
  readonly repair: () => Promise<readonly string[]>;
}

const ASK_SECONDS = 15;
const PING_SECONDS = 5;
const STOP_SECONDS = 180;
const PAUSE_STEP_MS = 200;
/** A busy dockerd may be slow; one that hangs is killed, and without live-restore what runs with it. */
const TRIES = 3;
/** The parts of an engine that run under containerd's name. */
const OF_CONTAINERD = new Set(['containerd', 'containerd.io', 'runc']);

/** The real machine. */
export function createUpgradeHost(context: UpgradeContext): UpgradeHost {
  const { socket, state, log, stateDirectory } = context;
  const api = openEngineApi(socket, ASK_SECONDS);
  const at = (id: string, what: Side | 'config'): string =>
    join(stateDirectory, files.engine, id, what);
  const isLiveRestoreOn = async (): Promise<boolean> => (await viewEngine(api)).liveRestore;
  return {
    state,
    log,
    now: () => new Date(),
    pause: (seconds) => pauseUnless(context.isStopping, seconds),
    bootId: readBootId,
    isLatched: async () => (await readNeedsOperator(state)) !== undefined,
    isStopping: context.isStopping,
    view: () => viewEngine(api),
    probe: () => probeEngine(socket),
    fetch: async (id, changes, side) => {
      // What an upgrade before has brought is what is installed now.
      const isOld = side === 'old';
      const elsewhere = isOld ? await keptElsewhere(join(stateDirectory, files.engine)) : [];
      await fetchPackages(await needPackages(), at(id, side), changes, { side, elsewhere });
    },
    simulate: async (id, changes, side) =>
      simulateKept(await needPackages(), at(id, side), changes, side),
    install: async (id, changes, side) => {
      await waitForPackages();
      const places = unitPlaces(join(stateDirectory, files.engine));
      await installKept(await needPackages(), at(id, side), changes, { side, ...places });
    },
    installed: waitForPackages,
    isInstalled: async (changes, side) => isSideInstalled(await needPackages(), changes, side),
    held: async (names) => (await needPackages()).held(names),
    hold: async (names) => (await needPackages()).hold(names),
    unhold: async (names) => (await needPackages()).unhold(names),
    snapshot: async (id) => keepConfig(at(id, 'config'), await rootDirectoryOf(api)),
    restoreConfig: (id, isOurs) => putConfigBack(at(id, 'config'), isOurs),
    switchLiveRestoreOn: (id) => liveRestoreOn(at(id, 'config'), isLiveRestoreOn),
    switchLiveRestoreOff: (id) => liveRestoreOff(at(id, 'config'), isLiveRestoreOn),
    configProblem,
    restart: (changes) => restart(context, changes),
    stopContainers: (ids) => stopContainers(socket, ids),
    startEnded: (ids, areJobsToo) => startEnded(api, ids, areJobsToo),
    repair: context.repair,
    latch: createRepairHost(context).latch,
    forget: async (keptIds) => forget(join(stateDirectory, files.engine), keptIds),
  };
}

async function forget(directory: string, keptIds: readonly string[]): Promise<void> {
  for (const id of await transactionsIn(directory)) {
    if (!keptIds.includes(id)) await rm(join(directory, id), { recursive: true, force: true });
  }
}

/** A shutdown is not kept waiting by a pause. */
async function pauseUnless(isStopping: () => boolean, seconds: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1000;
  while (performance.now() < untilMs && !isStopping()) {
    await wait(Math.min(PAUSE_STEP_MS, untilMs - performance.now()));
  }
}

async function rootDirectoryOf(api: EngineApi): Promise<string> {
  const { body } = expect(await api('GET', '/info'), [200], 'what it is');
  return (body as { DockerRootDir: string }).DockerRootDir;
}

/** containerd first, at once: a new shim under an old daemon starts nothing. */
async function restart(
  { socket, startSeconds }: UpgradeContext,
  changes: readonly PackageChange[],
): Promise<void> {
  if (!changes.some(({ name }) => OF_CONTAINERD.has(name) || isDockerd(name))) return;
  const within = (command: Command, accept: readonly number[] = []) =>
    exec(command, { timeoutSeconds: startSeconds, accept });
  await within(reloadUnits);
  const view = await viewPatiently(socket);
  // A daemon that hangs would not stop by itself for a minute and a half.
  if (view === undefined) await within(killDocker, [1, 4, 5]);
  else if (!view.liveRestore) await within(stopDocker);
  // Systemd counts our restarts, too, and refuses the fourth.
  await within(resetEngine, [1]);
  if (changes.some(({ name }) => OF_CONTAINERD.has(name))) await within(restartContainerd);
  await within(resetEngine, [1]);
  await within(restartDocker);
  await within(startEngine);
}

async function viewPatiently(socket: string): Promise<EngineView | undefined> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const view = await viewEngine(openEngineApi(socket, PING_SECONDS)).catch(() => undefined);
    if (view !== undefined) return view;
  }
  return undefined;
}

async function stopContainers(socket: string, ids: readonly string[]): Promise<void> {
  const patient = openEngineApi(socket, STOP_SECONDS);
  await Promise.all(
    ids.map(async (id) => {
      const answer = await patient('POST', `/containers/${id}/stop`);
      expect(answer, [204, 304, 404], `to stop ${id.slice(0, 12)}`);
    }),
  );
}
