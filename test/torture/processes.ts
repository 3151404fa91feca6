import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf } from '../lab/paths.ts';

interface GuestProcess {
  readonly pid: number;
  /** The first 15 characters of the program's name. */
  readonly name: string;
  /** The guest's own control group: `/system.slice/docker.service`. */
  readonly group: string;
}

/** Everything that runs in a lab host, found from outside: no command is started in it. */
function processesOf(host: string): GuestProcess[] {
  const found: GuestProcess[] = [];
  const walk = (directory: string, group: string): void => {
    for (const pid of lines(join(directory, 'cgroup.procs'))) {
      const name = lines(`/proc/${pid}/comm`)[0];
      if (name !== undefined) found.push({ pid: Number(pid), name, group });
    }
    for (const entry of entries(directory)) walk(join(directory, entry), `${group}/${entry}`);
  };
  walk(join(cgroupOf(host), 'payload'), '');
  return found;
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

const updaters = /\/orchestrator-update(-recover)?\.service$/;

const victims = {
  updater: ({ name, group }: GuestProcess) => updaters.test(group) && isNode(name),
  compose: ({ name, group }: GuestProcess) =>
    updaters.test(group) && (name === 'docker-compose' || name === 'docker'),
  dockerd: ({ name }: GuestProcess) => name === 'dockerd',
  containerd: ({ name }: GuestProcess) => name === 'containerd',
} as const;

function isNode(name: string): boolean {
  return name === 'node' || name === 'MainThread' || name.startsWith('orchestrator');
}

/** SIGKILL for every process of a kind in a lab host. Returns how many there were. */
export function killIn(host: string, victim: keyof typeof victims): number {
  const pids = processesOf(host).filter((one) => victims[victim](one));
  for (const { pid } of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  return pids.length;
}
