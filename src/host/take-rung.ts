import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from '../argv/command.ts';
import {
  killContainerd,
  killDocker,
  killTask,
  rebootHost,
  removeTask,
  resetEngine,
  restartContainerd,
  startEngine,
  stopContainerd,
  stopDocker,
} from '../argv/engine-repair.ts';
import { restartDocker } from '../argv/systemctl.ts';
import type { Task } from '../core/engine-health.ts';
import type { RungName } from '../core/engine-rungs.ts';
import { OperatorError } from '../errors.ts';
import { openEngineApi, type EngineApi } from './engine-api.ts';
import { putBackConfig, refuseFullDirectory, removeEmptyDirectory } from './engine-config.ts';
import { dataRoot, putAside } from './engine-databases.ts';
import { shimTasks, stayingOrphans } from './engine-probes.ts';
import type { RepairContext } from './engine-repair.ts';
import { finishPackages, reinstallEngine } from './engine-reinstall.ts';
import { makeRoom } from './engine-room.ts';
import { putRootAside, refuseRoot } from './engine-root.ts';
import { exec } from './exec.ts';
import { untilNobodyInstalls } from './packages.ts';
import type { RepairCluster } from './repair-host.ts';

const API_SECONDS = 20;
const ASK_SECONDS = 15;
/** Stopping Docker stops what it runs, which may take its time. */
const SYSTEMD_SECONDS = 180;
const SHIM_MS = 2000;

const ask = { timeoutSeconds: ASK_SECONDS };

type Act = (context: RepairContext) => Promise<void>;

const acts: Readonly<Record<RungName, Act>> = {
  'make-room': async (context) => makeRoom({ ...context, root: await knownRoot() }),
  'bring-up': (context) => clusterOf(context).bringUp(),
  start: startAll,
  'restore-config': async ({ backupsDirectory, log }) => {
    await putBackConfig(backupsDirectory, log);
    await startAll();
  },
  'renew-socket': async ({ socket }) => {
    await refuseFullDirectory(socket);
    await act(stopDocker);
    await removeEmptyDirectory(socket);
    await startAll();
  },
  'kill-dockerd': async () => {
    await attempt(killDocker);
    await startAll();
  },
  'restart-containerd': async () => {
    await attempt(killContainerd);
    await attempt(resetEngine);
    await act(restartContainerd, restartDocker);
  },
  'restart-docker': async () => {
    await attempt(resetEngine);
    await act(restartDocker);
  },
  'end-orphans': async ({ socket }) => {
    // Those of now: one may just have become a container that Docker knows.
    for (const orphan of await orphansOf(openEngineApi(socket, API_SECONDS))) {
      await endOrphan(orphan);
    }
    await attempt(resetEngine);
    await act(restartDocker);
  },
  'renew-networks': async (context) => {
    await act(stopDocker);
    await putAside('networks', context.log);
    await startAll();
    // Containers know the networks that are gone by their IDs.
    if (context.cluster !== undefined) await context.cluster.recreate();
  },
  'renew-volumes': async ({ log }) => {
    await act(stopDocker);
    await putAside('volumes', log);
    await startAll();
  },
  'renew-containerd': async ({ log }) => {
    await endAll();
    await putAside('containerd', log);
    await startAll();
  },
  'finish-packages': async (context) => {
    await finishPackages(context);
    await startAll();
  },
  'renew-root': async (context) => {
    const root = await knownRoot();
    await refuseRoot(root);
    await endAll();
    await putRootAside(root, context.log);
    // The cluster is looked at after that: its volumes may be gone, too.
    await startAll();
  },
  reinstall: async (context) => {
    await reinstallEngine(context);
    // What runs may be what was damaged.
    await attempt(resetEngine);
    await act(stopDocker, restartContainerd);
    await startAll();
  },
  restore: (context) => clusterOf(context).restore(),
  reboot: async () => {
    // dpkg or rpm that is ended leaves packages that cannot be used.
    await untilNobodyInstalls();
    await act(rebootHost);
  },
};

/** Does what a rung of the ladder stands for. @throws what did not work */
export function takeRung(context: RepairContext, rung: RungName): Promise<void> {
  return acts[rung](context);
}

async function knownRoot(): Promise<string> {
  const root = await dataRoot();
  if (root !== undefined) return root;
  throw new OperatorError('nobody knows where Docker keeps everything', 'docker info');
}

function clusterOf({ cluster }: RepairContext): RepairCluster {
  if (cluster !== undefined) return cluster;
  throw new OperatorError('nothing is known of the cluster here', 'orchestrator-update status');
}

/** Daemons, and what runs under them: a second one may write to the same data. */
async function endAll(): Promise<void> {
  await act(stopDocker, stopContainerd);
  for (const task of await shimTasks()) await endOrphan(task);
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

/** What runs and Docker does not know, for a while; nothing where that cannot be said. */
export async function orphansOf(api: EngineApi): Promise<readonly Task[]> {
  return (await stayingOrphans(api).catch(() => ({ orphans: [] }))).orphans;
}
