import { existsSync } from 'node:fs';
import path from 'node:path';

/** Where the lab keeps everything. One lab per outer machine. */
export const machinesDir = '/var/lib/machines';
export const poolFile = `${machinesDir}/lab-pool.xfs`;
export const poolDir = `${machinesDir}/lab-pool`;
export const debCacheDir = '/var/cache/lab-debs';
export const runDir = '/run/lab';
/** One JSON record per host name in use. */
export const hostRecordsDir = `${runDir}/hosts`;
export const filesDir = path.join(import.meta.dirname, 'files');
export const checkoutDir = path.resolve(import.meta.dirname, '../..');

export const netns = 'lab';
export const bridge = 'labbr0';
export const controlName = 'ctl';
export const deployBranch = 'embody-alpha';
export const maxHosts = 200;

/** The cgroup v2 tree: its own mount on hybrid machines, the whole of /sys/fs/cgroup elsewhere. */
export function cgroupRoot(): string {
  return existsSync('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';
}

export const cgroupOf = (name: string): string => `${cgroupRoot()}/lab/${name}`;

/** The guest's `/` as seen on the outer machine. tmpfs mounts of the guest (/run, /tmp) are not in it. */
export const rootOf = (name: string): string => `${machinesDir}/lab-${name}`;

export const diskOf = (name: string): string => `${poolDir}/${name}.img`;

/** ctl is 10.77.0.10, h1 is 10.77.0.11, … */
export function addressOf(name: string): string {
  return `10.77.0.${name === controlName ? 10 : 10 + Number(name.slice(1))}`;
}
