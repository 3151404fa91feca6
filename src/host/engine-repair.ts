import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  askContainerd,
  configurePackages,
  killContainerd,
  killDocker,
  killTask,
  removeTask,
  resetEngine,
  restartContainerd,
  startEngine,
  stopContainerd,
  stopDocker,
} from '../argv/engine-repair.ts';
import { restartDocker, systemctlShow } from '../argv/systemctl.ts';
import type { Command } from '../argv/command.ts';
import type { Task } from '../core/engine-health.ts';
import type { EngineDiagnosis, RungName } from '../core/engine-ladder.ts';
import { packagesOfEngines } from '../core/engine-parts.ts';
import { readNeedsOperator, writeNeedsOperator } from '../records.ts';
import { openEngineApi, type EngineApi } from './engine-api.ts';
import {
  configProblem,
  goodConfig,
  putBackConfig,
  refuseFullDirectory,
  removeEmptyDirectory,
} from './engine-config.ts';
import { findDamaged, keepsImagesItself, putAside } from './engine-databases.ts';
import { writeEvidence } from './engine-evidence.ts';
import { probeEngine, shimTasks, stayingOrphans } from './engine-probes.ts';
import { exec } from './exec.ts';
import type { StateHost } from './host.ts';
import type { Log } from './log.ts';
import { isInstalling, openApt, type PackageHost } from './packages.ts';
import type { RepairHost } from './repair-host.ts';
import { runningIds, settled, startEnded } from './start-ended.ts';

/** What a repair is made of. */
export interface RepairContext {
  readonly socket: string;
  readonly backupsDirectory: string;
  readonly stateDirectory: string;
  readonly state: StateHost;
  readonly log: Log;
  readonly isStopping: () => boolean;
  /** Makes the cluster and its networks anew; left out where nobody can. */
  readonly recreate?: {
    readonly may: () => Promise<boolean>;
    readonly act: () => Promise<void>;
  };
}

const API_SECONDS = 20;
const ASK_SECONDS = 15;
/** Stopping Docker stops what it runs, which may take its time. */
const SYSTEMD_SECONDS = 180;
const PACKAGES_SECONDS = 3600;
const SHIM_MS = 2000;
/** What `docker.socket` makes. */
const SOCKETS = ['/run/docker.sock', '/var/run/docker.sock'];

export function createRepairHost(context: RepairContext): RepairHost {
  const { socket, state, log, stateDirectory } = context;
  const api = openEngineApi(socket, API_SECONDS);
  return {
    state,
    log,
    now: () => new Date(),
    pause: (seconds) => wait(seconds * 1000),
    isStopping: context.isStopping,
    diagnose: () => diagnose(context),
    runningContainers: async () =>
      (await runningIds(api)) ?? (await shimTasks()).map(({ id }) => id),
    take: (rung) => take(context, rung),
    settle: () => settled(api),
    startEnded: (ids) => startEnded(api, ids, false),
    collectEvidence: async () => {
      const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
      const path = join(stateDirectory, `engine-evidence-${stamp}.txt`);
      await writeEvidence(path);
      return path;
    },
    latch: async (reason) => {
      if ((await readNeedsOperator(state)) !== undefined) return;
      const at = new Date().toISOString();
      await writeNeedsOperator(state, { reason, at, transaction: 'engine' });
    },
  };
}

async function diagnose(context: RepairContext): Promise<EngineDiagnosis> {
  const probes = await probeEngine(context.socket);
  const isUp = probes[0]?.state === 'ok';
  const api = openEngineApi(context.socket, API_SECONDS);
  const [docker, problem, good, containerd, apt] = await Promise.all([
    exec(systemctlShow('docker.service', ['ActiveState', 'Result']), ask).catch(() => ({
      stdout: '',
    })),
    configProblem(),
    goodConfig(context.backupsDirectory),
    exec(askContainerd, ask).then(
      () => true,
      (error: unknown) => String(error).includes('is not installed'),
    ),
    openApt(),
  ]);
  return {
    probes,
    docker: {
      isActive: /^ActiveState=(active|reloading)$/m.test(docker.stdout),
      result: /^Result=(.*)$/m.exec(docker.stdout)?.[1] ?? 'unknown',
    },
    socket: await socketState(context.socket),
    configProblem: problem,
    hasGoodConfig: good !== undefined,
    doesContainerdAnswer: containerd,
    damaged: isUp ? undefined : await findDamaged(),
    keepsImagesItself: await keepsImagesItself(),
    canRecreate: (await context.recreate?.may().catch(() => false)) === true,
    orphans: isUp ? await orphansOf(api) : [],
    halfInstalled: await halfInstalled(apt),
  };
}

const ask = { timeoutSeconds: ASK_SECONDS };

async function orphansOf(api: EngineApi): Promise<readonly Task[]> {
  return (await stayingOrphans(api).catch(() => ({ orphans: [] }))).orphans;
}

/** Where dpkg does not say, or is at work at this moment, nothing is to be finished by us. */
async function halfInstalled(apt: PackageHost | undefined): Promise<string[]> {
  if (apt === undefined || (await isInstalling())) return [];
  const installed = await apt.installed(packagesOfEngines).catch(() => []);
  return installed.filter(({ isWhole }) => !isWhole).map(({ name }) => name);
}

async function socketState(socket: string): Promise<EngineDiagnosis['socket']> {
  if (!SOCKETS.includes(socket)) return 'elsewhere';
  const found = await lstat(socket).catch(() => undefined);
  if (found === undefined) return 'missing';
  return found.isDirectory() ? 'directory' : 'there';
}

async function take(context: RepairContext, rung: RungName): Promise<void> {
  const { socket, backupsDirectory, log } = context;
  switch (rung) {
    case 'start':
      return startAll();
    case 'restore-config':
      await putBackConfig(backupsDirectory, log);
      return startAll();
    case 'renew-socket':
      await refuseFullDirectory(socket);
      await act(stopDocker);
      await removeEmptyDirectory(socket);
      return startAll();
    case 'kill-dockerd':
      await attempt(killDocker);
      return startAll();
    case 'restart-containerd':
      await attempt(killContainerd);
      await attempt(resetEngine);
      return act(restartContainerd, restartDocker);
    case 'restart-docker':
      await attempt(resetEngine);
      return act(restartDocker);
    case 'end-orphans':
      // Those of now: one may just have become a container that Docker knows.
      for (const orphan of await orphansOf(openEngineApi(socket, API_SECONDS))) {
        await endOrphan(orphan);
      }
      await attempt(resetEngine);
      return act(restartDocker);
    case 'renew-networks':
      await act(stopDocker);
      await putAside('networks', log);
      await startAll();
      // Containers know the networks that are gone by their IDs.
      return context.recreate?.act();
    case 'renew-volumes':
      await act(stopDocker);
      await putAside('volumes', log);
      return startAll();
    case 'renew-containerd':
      await act(stopDocker, stopContainerd);
      // It would know none of them any more; a second one may write to the same data.
      for (const task of await shimTasks()) await endOrphan(task);
      await putAside('containerd', log);
      return startAll();
    case 'finish-packages':
      await exec(configurePackages, {
        timeoutSeconds: PACKAGES_SECONDS,
        environment: { DEBIAN_FRONTEND: 'noninteractive' },
      });
      return startAll();
  }
}

async function startAll(): Promise<void> {
  await attempt(resetEngine);
  await act(startEngine);
}

/** What may fail: a unit that is not loaded, one that does not run. */
async function attempt(command: Command): Promise<void> {
  await exec(command, { ...ask, accept: [1, 4, 5] });
}

async function act(...commands: readonly Command[]): Promise<void> {
  for (const command of commands) await exec(command, { timeoutSeconds: SYSTEMD_SECONDS });
}

/** By containerd where that knows it; what it has lost, by the shim that still holds it. */
async function endOrphan({ id, pid }: Task): Promise<void> {
  for (const command of [killTask(id), removeTask(id)]) {
    await exec(command, ask).catch(() => undefined);
  }
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  // Another process may have its number by now.
  if (!words.includes('containerd-shim') || !words.includes(id)) return;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  for (const child of children.split(' ').filter((word) => word !== '')) kill(Number(child));
  // It sees that they have ended, and cleans up; where it hangs, it ends, too.
  await wait(SHIM_MS);
  if ((await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) === words) kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
