import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { command, poll, succeeds } from './command.ts';
import { cloneDisk } from './machine-pool.ts';
import { removeCable } from './network.ts';
import { addressOf, bridge, cgroupOf, diskOf, filesDir, netns, rootOf, runDir } from './paths.ts';

/** systemd's signal for a clean power-off: SIGRTMIN+4 on Linux with glibc. */
const powerOffSignal = 34 + 4;

/** Give the machine a disk cloned from an image, with its own name, machine-id and address. */
export async function makeMachine(name: string, image: string): Promise<void> {
  await cloneDisk(diskOf(image), diskOf(name));
  await mountDisk(name);
  const root = rootOf(name);
  await writeFile(`${root}/etc/hostname`, `${name}\n`);
  await writeFile(`${root}/etc/machine-id`, `${randomUUID().replaceAll('-', '')}\n`);
  await rm(`${root}/var/lib/dbus/machine-id`, { force: true });
  const network = `[Match]\nName=host0\n[Network]\nAddress=${addressOf(name)}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`;
  await writeFile(`${root}/etc/systemd/network/10-host0.network`, network);
}

/** Mount the machine's disk. Never with "discard": a cut would then corrupt old files. */
async function mountDisk(name: string): Promise<void> {
  const root = rootOf(name);
  if (await succeeds('mountpoint', ['-q', root])) return;
  await mkdir(root, { recursive: true });
  await command('mount', ['-o', 'loop,commit=5', diskOf(name), root]);
}

/** Unmount the machine's disk; the kernel may still be tearing the guest's mounts down for a moment. */
async function unmountDisk(name: string): Promise<void> {
  const root = rootOf(name);
  const unmounted = await poll(
    async () => {
      if (!(await succeeds('mountpoint', ['-q', root]))) return true;
      return (await succeeds('umount', [root])) ? true : undefined;
    },
    { timeoutSeconds: 5, stepMs: 50 },
  );
  if (unmounted === undefined) await command('umount', ['--lazy', root]);
}

/** Process id of the guest's systemd on the outer machine; undefined when the machine is off. */
export async function leaderOf(name: string): Promise<number | undefined> {
  const supervisor = readId(`${runDir}/${name}.nspawn`);
  if (supervisor === undefined) return undefined;
  const known = readId(`${runDir}/${name}.leader`);
  if (known !== undefined && parentOf(known) === supervisor) return known;
  const search = ['-P', String(supervisor), '-x', 'systemd'];
  const { stdout } = await command('pgrep', search, { reject: false });
  const found = Number(stdout.split('\n')[0]);
  if (!found) return undefined;
  await writeFile(`${runDir}/${name}.leader`, String(found));
  return found;
}

function readId(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function parentOf(id: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** Switch the machine on. Returns when its systemd exists (about 0.1 s), long before its services do. */
export async function startMachine(name: string): Promise<void> {
  if ((await leaderOf(name)) !== undefined) throw new Error(`${name} is already on`);
  await mountDisk(name);
  const cgroup = cgroupOf(name);
  await mkdir(cgroup, { recursive: true });
  for (const suffix of ['stop', 'nspawn', 'leader'])
    await rm(`${runDir}/${name}.${suffix}`, { force: true });
  const log = openSync(`${runDir}/${name}.console`, 'a');
  const args = [`${filesDir}/boot-loop.sh`, name, rootOf(name), cgroup, runDir, netns, bridge];
  const loop = spawn('bash', args, { detached: true, stdio: ['ignore', log, log] });
  loop.unref();
  const leader = await poll(() => leaderOf(name), { timeoutSeconds: 20, stepMs: 20 });
  if (leader === undefined) throw new Error(`${name} did not start: see ${runDir}/${name}.console`);
}

/** Ask the guest to shut down, and wait until it is off. */
export async function stopMachine(name: string, timeoutSeconds = 120): Promise<void> {
  const leader = await leaderOf(name);
  await writeFile(`${runDir}/${name}.stop`, '');
  if (leader !== undefined) process.kill(leader, powerOffSignal);
  await waitUntilOff(name, timeoutSeconds);
}

/** Everything in the machine dies at this instant, as when the power fails; what it had written is still on the disk. */
export async function killMachine(name: string): Promise<void> {
  await writeFile(`${runDir}/${name}.stop`, '');
  const kill = `${cgroupOf(name)}/cgroup.kill`;
  if (existsSync(kill)) await writeFile(kill, '1');
  await waitUntilOff(name, 20);
}

/**
 * As `killMachine`, and everything that was not fsynced is lost: the file system is shut down without a flush of its
 * journal. The image gets a new inode, because another mount namespace may pin the superblock that was shut down.
 */
export async function killMachineUnsynced(name: string): Promise<void> {
  await writeFile(`${runDir}/${name}.stop`, '');
  await writeFile(`${cgroupOf(name)}/cgroup.kill`, '1');
  // XFS_IOC_GOINGDOWN and EXT4_IOC_SHUTDOWN are the same ioctl; without -f it means NOLOGFLUSH
  await command('xfs_io', ['-F', '-x', '-c', 'shutdown', rootOf(name)]);
  await waitUntilOff(name, 20);
  await unmountDisk(name);
  await cloneDisk(diskOf(name), diskOf(name));
  await mountDisk(name);
}

/**
 * The machine's file system meets an error and turns read-only, as Debian's does by default. It stays so until the
 * machine is off and its disk mounted anew: `killMachineUnsynced`.
 */
export async function failDisk(name: string): Promise<void> {
  await command('mount', ['-o', 'remount,errors=remount-ro', rootOf(name)]);
  const { stdout } = await command('findmnt', ['--noheadings', '--output=SOURCE', rootOf(name)]);
  await writeFile(`/sys/fs/ext4/${basename(stdout.trim())}/trigger_fs_error`, 'lab');
}

/** Hang the whole machine, or let it go on. */
export async function setFrozen(name: string, frozen: boolean): Promise<void> {
  await writeFile(`${cgroupOf(name)}/cgroup.freeze`, frozen ? '1' : '0');
}

/** CPU time the machine used since it was switched on, in milliseconds. */
export async function cpuMilliseconds(name: string): Promise<number> {
  const stat = await readFile(`${cgroupOf(name)}/cpu.stat`, 'utf8');
  return Number(/^usage_usec (\d+)/m.exec(stat)?.[1] ?? 0) / 1000;
}

async function waitUntilOff(name: string, timeoutSeconds: number): Promise<void> {
  const off = await poll(async () => (isAlive(name) ? undefined : true), {
    timeoutSeconds,
    stepMs: 10,
  });
  if (off === undefined) throw new Error(`${name} is still on after ${timeoutSeconds} s`);
  await removeCgroup(cgroupOf(name));
  await removeCable(name);
  for (const suffix of ['nspawn', 'leader', 'loop'])
    await rm(`${runDir}/${name}.${suffix}`, { force: true });
}

function isAlive(name: string): boolean {
  const loop = readId(`${runDir}/${name}.loop`);
  if (loop !== undefined && isLoopOf(loop, name)) return true;
  const events = `${cgroupOf(name)}/cgroup.events`;
  return existsSync(events) && readFileSync(events, 'utf8').includes('populated 1');
}

function isLoopOf(id: number, name: string): boolean {
  try {
    const words = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0');
    return words.includes(name) && words.some((word) => word.endsWith('boot-loop.sh'));
  } catch {
    return false;
  }
}

async function removeCgroup(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(`${directory}/${entry.name}`);
  }
  await rmdir(directory).catch(() => undefined);
}

/** Cut the power and delete the disk: nothing of the machine is left. */
export async function removeMachine(name: string): Promise<void> {
  await killMachine(name);
  await unmountDisk(name);
  await rmdir(rootOf(name)).catch(() => undefined);
  for (const suffix of ['stop', 'console'])
    await rm(`${runDir}/${name}.${suffix}`, { force: true });
  await rm(diskOf(name), { force: true });
}

/** Keep the disk of a machine that is off as an image others are cloned from. */
export async function saveImage(name: string, image: string): Promise<void> {
  await unmountDisk(name);
  await cloneDisk(diskOf(name), diskOf(image));
}
