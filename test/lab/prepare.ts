import { readdir, rmdir } from 'node:fs/promises';
import { buildBaseImage } from './base-image.ts';
import type { Progress } from './command.ts';
import { ensureControlHost, removeControlHost } from './control-host.ts';
import { type HostRecord, isAbandoned, listRecords, releaseHost } from './host-records.ts';
import { withLock } from './lock.ts';
import { leaderOf, removeMachine } from './machine.ts';
import { assertRoot, labPrograms, makeDirectories, mountPool, removePool } from './machine-pool.ts';
import { lowerNetwork, raiseNetwork } from './network.ts';
import { cgroupRoot, controlName, machinesDir, runDir } from './paths.ts';
import { removeRepositories } from './seeds.ts';
import { installPrograms } from './programs.ts';
import { buildSnapshots, removeOldImages } from './snapshots.ts';

const lockFile = `${runDir}/prepare.lock`;
const quiet: Progress = () => undefined;

/**
 * Have everything a host needs: packages, pool, network, base image, control host, snapshots. Does only what is missing
 * (about 2 minutes from nothing, well under a second when all is there), removes what dead processes left, and may be
 * called by any number of processes at once.
 */
export async function prepareLab(onProgress: Progress = quiet): Promise<void> {
  assertRoot();
  await makeDirectories();
  await withLock(lockFile, async () => {
    await installPrograms(labPrograms, onProgress);
    await mountPool();
    await reap(onProgress);
    await raiseNetwork();
    await buildBaseImage(onProgress);
    await ensureControlHost(onProgress);
    await buildSnapshots(onProgress);
  });
}

/** Only the base image, for whoever wants to look at it. */
export async function prepareBase(onProgress: Progress = quiet): Promise<void> {
  assertRoot();
  await makeDirectories();
  await withLock(lockFile, async () => {
    await installPrograms(labPrograms, onProgress);
    await mountPool();
    await buildBaseImage(onProgress);
  });
}

/** Remove a host and everything that belongs to it. */
export async function removeHost(record: HostRecord): Promise<void> {
  await removeMachine(record.name);
  if (record.layout !== 'none' && (await leaderOf(controlName)) !== undefined) {
    await removeRepositories(record.name);
  }
  await releaseHost(record.name);
}

async function reap(onProgress: Progress): Promise<void> {
  const records = await listRecords();
  for (const record of records.filter((candidate) => isAbandoned(candidate))) {
    onProgress(`removing ${record.name}, left by process ${record.ownerPid}`);
    await removeHost(record);
  }
  await removeOldImages();
}

/** Switch everything off and delete every host, whoever owns it. Images stay. */
export async function lowerLab(): Promise<void> {
  assertRoot();
  await makeDirectories();
  await withLock(lockFile, async () => {
    for (const record of await listRecords()) await removeHost(record);
    await removeControlHost();
    await lowerNetwork();
    await rmdir(`${cgroupRoot()}/lab`).catch(() => undefined);
  });
}

/** As `lowerLab`, and delete the pool with all images. The package cache stays. */
export async function cleanLab(): Promise<void> {
  await lowerLab();
  await removePool();
  for (const entry of await readdir(machinesDir)) {
    if (entry.startsWith('lab-')) await rmdir(`${machinesDir}/${entry}`).catch(() => undefined);
  }
}
