import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { askContainerd } from '../argv/engine-repair.ts';
import { systemctlShow } from '../argv/systemctl.ts';
import type { EngineDiagnosis } from '../core/engine-diagnosis.ts';
import { packagesOfEngines } from '../core/engine-parts.ts';
import { PROPERTIES_OF_START, startOf } from '../core/engine-start.ts';
import { messageOf } from '../errors.ts';
import { readNeedsOperator, writeNeedsOperator } from '../records.ts';
import { openEngineApi } from './engine-api.ts';
import { configProblem, goodConfig } from './engine-config.ts';
import { dataRoot, findDamage, keepsImagesItself, noDamage } from './engine-databases.ts';
import { writeEvidence } from './engine-evidence.ts';
import { probeEngine, shimTasks } from './engine-probes.ts';
import { damagedPackages } from './engine-reinstall.ts';
import { diskState } from './engine-room.ts';
import { exec } from './exec.ts';
import type { StateHost } from './host.ts';
import type { Log } from './log.ts';
import { monotonicSeconds } from './monotonic.ts';
import type { PackageHost } from './package-host.ts';
import { isInstalling, openPackages } from './packages.ts';
import type { RepairCluster, RepairHost } from './repair-host.ts';
import { runningIds, settled, startEnded } from './start-ended.ts';
import { orphansOf, takeRung } from './take-rung.ts';

/** What a repair is made of. */
export interface RepairContext {
  readonly socket: string;
  readonly backupsDirectory: string;
  readonly stateDirectory: string;
  readonly state: StateHost;
  readonly log: Log;
  readonly isStopping: () => boolean;
  /** Left out where nothing is known of it. */
  readonly cluster?: RepairCluster;
}

const API_SECONDS = 20;
/** What Docker waits for at boot, the network among it. */
const START_SECONDS = 300;
const BETWEEN_LOOKS_MS = 1000;
const ASK_SECONDS = 15;
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
    take: (rung) => takeRung(context, rung),
    untilStarted,
    settle: () => settled(api, { isGone }),
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
  const [docker, problem, good, containerd, packages, root] = await Promise.all([
    shownOfDocker(),
    configProblem(),
    goodConfig(context.backupsDirectory),
    exec(askContainerd, ask).then(
      () => true,
      (error: unknown) => String(error).includes('is not installed'),
    ),
    openPackages(),
    dataRoot(),
  ]);
  const damage = isUp ? noDamage : await findDamage();
  const isBroken = !isUp || probes[1]?.state === 'failed';
  return {
    probes,
    docker: {
      // To start one that hangs in its start would be to wait for it; it is ended as one that hangs later.
      isActive:
        /^ActiveState=(active|reloading)$/m.test(docker) ||
        startOf(docker, monotonicSeconds()) === 'hangs',
      result: /^Result=(.*)$/m.exec(docker)?.[1] ?? 'unknown',
    },
    socket: await socketState(context.socket),
    configProblem: problem,
    hasGoodConfig: good !== undefined,
    doesContainerdAnswer: containerd,
    damaged: damage.damaged,
    isRootAtFault: damage.isRootAtFault,
    keepsImagesItself: await keepsImagesItself(),
    clusterHindrance: await hindranceOf(context),
    disk: root === undefined ? 'well' : await diskState({ ...context, root }, damage.isDiskAtFault),
    ...(await clusterSeen(context, isUp)),
    damagedPackages: isBroken ? await damagedPackages(packages) : [],
    orphans: isUp ? await orphansOf(api) : [],
    halfInstalled: await halfInstalled(packages),
  };
}

const ask = { timeoutSeconds: ASK_SECONDS };

/** One that waits for what it is ordered after has not been started yet. */
async function isGone(): Promise<boolean> {
  const shown = await shownOfDocker();
  const isWaiting = startOf(shown, monotonicSeconds()) === 'waiting';
  return !isWaiting && /^ActiveState=(failed|inactive)$/m.test(shown);
}

async function untilStarted(): Promise<void> {
  const untilSeconds = monotonicSeconds() + START_SECONDS;
  while (monotonicSeconds() < untilSeconds) {
    if (startOf(await shownOfDocker(), monotonicSeconds()) !== 'waiting') return;
    await wait(BETWEEN_LOOKS_MS);
  }
}

async function shownOfDocker(): Promise<string> {
  const command = systemctlShow('docker.service', [...PROPERTIES_OF_START, 'Result']);
  return (await exec(command, ask).catch(() => ({ stdout: '' }))).stdout;
}

async function hindranceOf({ cluster }: RepairContext): Promise<string | undefined> {
  if (cluster === undefined) return 'nothing is known of it here';
  return cluster.hindrance().catch((error: unknown) => messageOf(error));
}

async function clusterSeen(
  { cluster }: RepairContext,
  isUp: boolean,
): Promise<Pick<EngineDiagnosis, 'cluster' | 'lostVolumes'>> {
  const look = isUp ? await cluster?.look().catch(() => undefined) : undefined;
  return { cluster: look?.state ?? 'unknown', lostVolumes: look?.lostVolumes ?? [] };
}

/** Where dpkg or rpm does not say, or is at work at this moment, nothing is to be finished by us. */
async function halfInstalled(packages: PackageHost | undefined): Promise<string[]> {
  if (packages === undefined || (await isInstalling())) return [];
  const installed = await packages.installed(packagesOfEngines).catch(() => []);
  return installed.filter(({ isWhole }) => !isWhole).map(({ name }) => name);
}

async function socketState(socket: string): Promise<EngineDiagnosis['socket']> {
  if (!SOCKETS.includes(socket)) return 'elsewhere';
  const found = await lstat(socket).catch(() => undefined);
  if (found === undefined) return 'missing';
  return found.isDirectory() ? 'directory' : 'there';
}
