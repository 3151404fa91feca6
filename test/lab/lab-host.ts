import { type ClusterChange, composeFile, servicePorts, startServices } from './cluster.ts';
import { command, type CommandResult, type Progress } from './command.ts';
import { type Container, listContainers } from './containers.ts';
import { copyInto, copyRelease, fillDisk, type FileOptions } from './guest-files.ts';
import { readGuestFile, writeGuestFile } from './guest-files.ts';
import { type GuestOptions, runInGuest, waitForUnits } from './guest.ts';
import { claimHost, type HostRecord, type Layout, readRecord } from './host-records.ts';
import * as machine from './machine.ts';
import { networkCommand, setBlackhole, setCable } from './network.ts';
import { addressOf, rootOf } from './paths.ts';
import { prepareLab, removeHost } from './prepare.ts';
import { copySeeds, openRepositories, pushRelease, type Release } from './seeds.ts';
import type { Repositories } from './seeds.ts';
import { isServing, snapshotName } from './snapshots.ts';

/** What a service of the lab says about itself. */
export type Health = {
  status: string;
  service: string;
  version: string;
  greeting: string;
  config: string;
};

/** How much of a boot to wait for: the units docker and ssh, or only that systemd exists. */
export type BootOptions = { until?: 'docker' | 'systemd'; timeoutSeconds?: number };

type Power = {
  /** Switch on; waits for docker and ssh unless told otherwise. */
  boot: (options?: BootOptions) => Promise<void>;
  /** Clean shutdown. */
  powerOff: () => Promise<void>;
  reboot: (options?: BootOptions) => Promise<void>;
  /** Everything dies at once; what was written stays, fsynced or not. */
  powerCut: () => Promise<void>;
  /** Everything dies at once, and what was not fsynced is lost. */
  cutUnsynced: () => Promise<void>;
  /** The file system turns read-only, as after an error of the disk, until `cutUnsynced` and `boot`. */
  failDisk: () => Promise<void>;
  isOn: () => Promise<boolean>;
  /** Hang the whole host, commands started through `run` included. */
  freeze: () => Promise<void>;
  thaw: () => Promise<void>;
  /** Pull the network cable: the guest sees its link go down. */
  unplug: () => Promise<void>;
  plug: () => Promise<void>;
  /** Packets vanish while the link stays up. */
  blackhole: (on: boolean) => Promise<void>;
  /** CPU milliseconds used since it was switched on. */
  cpuMilliseconds: () => Promise<number>;
};

type Inside = {
  /** Run a command in the guest; never throws for an exit code unless `reject` is set. */
  run: (file: string, args?: string[], options?: GuestOptions) => Promise<CommandResult>;
  /** Run a bash script in the guest. */
  bash: (script: string, options?: GuestOptions) => Promise<CommandResult>;
  writeFile: (path: string, content: string, options?: FileOptions) => Promise<void>;
  readFile: (path: string) => Promise<string>;
  /** Copy the entries of a directory of the outer machine into a directory of the guest. */
  copyIn: (outerDir: string, guestDir: string, entries?: string[]) => Promise<void>;
  /** Copy the built release to /root/orchestrator-update. */
  copyRelease: () => Promise<void>;
  /** Leave only so many bytes free on the host's disk; returns the file to delete to free them again. */
  fillDisk: (guestDir: string, leaveBytes: number) => Promise<string>;
  containers: () => Promise<Container[]>;
};

type Cluster = {
  /** What GET /health on this port of the host says; undefined when nothing, or not 200, answers within a second. */
  served: (port: number) => Promise<Health | undefined>;
  /** Wait until the ports (those of the start services unless told) answer 200; throws after the time. */
  waitHealthy: (options?: { ports?: number[]; timeoutSeconds?: number }) => Promise<void>;
};

/** One disposable host. */
export type LabHost = Power &
  Inside &
  Cluster & {
    name: string;
    address: string;
    layout: Layout;
    /** The guest's / on the outer machine (without its tmpfs mounts). */
    root: string;
    /** Where the compose project is. */
    projectDir: string;
    /** The work tree that follows the deploy branch. */
    workTree: string;
    /** This host's own repositories on the control host; throws for layout `none`. */
    repositories: Repositories;
    /** Publish a release on the deploy branch, whatever the layout; paths relative to the project. */
    pushRelease: (release: Release) => Promise<string>;
    /** Publish a release whose only change is the compose file. */
    pushCluster: (change: ClusterChange, message?: string) => Promise<string>;
    /** Remove the host without a trace. */
    destroy: () => Promise<void>;
  };

export type StartOptions = {
  /** `directory` unless told. */
  layout?: Layout;
  /** Do not remove the host when this process ends without `destroy`. */
  keep?: boolean;
  onProgress?: Progress;
};

/** A fresh host, on, with its cluster healthy at v1 (layout `none`: with Docker only). Prepares the lab if needed. */
export async function startHost(options: StartOptions = {}): Promise<LabHost> {
  const { layout = 'directory', keep = false, onProgress } = options;
  await prepareLab(onProgress);
  const record = await claimHost(layout, keep);
  const host = createHost(record);
  try {
    await machine.makeMachine(record.name, snapshotName(layout));
    if (layout !== 'none') {
      await copySeeds(record.name, layout);
      await moveOrigins(record.name, layout);
    }
    await host.boot();
    if (layout !== 'none') await host.waitHealthy();
    return host;
  } catch (error) {
    await host.destroy();
    throw error;
  }
}

/** A host that another process, or an earlier call, started. */
export async function openHost(name: string): Promise<LabHost> {
  const record = await readRecord(name);
  if (record === undefined) throw new Error(`there is no lab host ${name}: see npm run lab -- ls`);
  return createHost(record);
}

/** The snapshot's clones point at the seed repositories: let them point at the host's own. */
async function moveOrigins(name: string, layout: Layout): Promise<void> {
  const tree = `${rootOf(name)}/home/geo/operation`;
  const configs = [tree, '-name', 'config', '-type', 'f', '-path', '*/.git/*'];
  const edit = `s#/srv/git/seed/${layout}/#/srv/git/${name}/#`;
  await command('find', [...configs, '-exec', 'sed', '-i', edit, '{}', '+']);
}

function createHost(record: HostRecord): LabHost {
  const { name, layout } = record;
  const projectDir = '/home/geo/operation/autonomy';
  const pushed = (release: Release): Promise<string> => {
    if (layout === 'none') throw new Error(`${name} has no repositories: its layout is none`);
    return pushRelease(openRepositories(name, layout), layout, release);
  };
  return {
    name,
    layout,
    address: addressOf(name),
    root: rootOf(name),
    projectDir,
    workTree: layout === 'own' ? projectDir : '/home/geo/operation',
    get repositories() {
      if (layout === 'none') throw new Error(`${name} has no repositories: its layout is none`);
      return openRepositories(name, layout);
    },
    ...power(name),
    ...inside(name),
    ...cluster(name),
    pushRelease: pushed,
    pushCluster: (change, message = 'Change the cluster') =>
      pushed({ message, files: { 'docker-compose.yml': composeFile(change) } }),
    destroy: () => removeHost(record),
  };
}

function power(name: string): Power {
  const boot = async ({ until = 'docker', timeoutSeconds = 60 }: BootOptions = {}) => {
    await machine.startMachine(name);
    if (until === 'docker') await waitForUnits(name, ['docker', 'ssh'], timeoutSeconds);
  };
  return {
    boot,
    powerOff: () => machine.stopMachine(name),
    reboot: async (options) => {
      await machine.stopMachine(name);
      await boot(options);
    },
    powerCut: () => machine.killMachine(name),
    cutUnsynced: () => machine.killMachineUnsynced(name),
    failDisk: () => machine.failDisk(name),
    isOn: async () => (await machine.leaderOf(name)) !== undefined,
    freeze: () => machine.setFrozen(name, true),
    thaw: () => machine.setFrozen(name, false),
    unplug: () => setCable(name, 'down'),
    plug: () => setCable(name, 'up'),
    blackhole: (on) => setBlackhole(name, on),
    cpuMilliseconds: () => machine.cpuMilliseconds(name),
  };
}

function inside(name: string): Inside {
  return {
    run: (file, args = [], options) => runInGuest(name, file, args, options),
    bash: (script, options) => runInGuest(name, 'bash', ['-c', script], options),
    writeFile: (path, content, options) => writeGuestFile(name, path, content, options),
    readFile: (path) => readGuestFile(name, path),
    copyIn: (outerDir, guestDir, entries) => copyInto(name, outerDir, guestDir, entries),
    copyRelease: () => copyRelease(name),
    fillDisk: (guestDir, leaveBytes) => fillDisk(name, guestDir, leaveBytes),
    containers: () => listContainers(name),
  };
}

function cluster(name: string): Cluster {
  const startPorts = startServices.map((service) => servicePorts[service]);
  return {
    served: async (port) => {
      const url = `http://${addressOf(name)}:${port}/health`;
      const { exitCode, stdout } = await networkCommand('curl', ['-fsS', '-m1', url], false);
      if (exitCode !== 0) return undefined;
      const health: Health = JSON.parse(stdout);
      return health;
    },
    waitHealthy: async ({ ports = startPorts, timeoutSeconds = 60 } = {}) => {
      if (await isServing(name, ports, timeoutSeconds)) return;
      const { stdout } = await runInGuest(name, 'docker', ['ps', '-a']);
      throw new Error(
        `${name}: ${ports.join(', ')} not healthy after ${timeoutSeconds} s\n${stdout}`,
      );
    },
  };
}
