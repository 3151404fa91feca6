import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { baseImageName, labFile, recipeHash } from './base-image.ts';
import { poll, type Progress } from './command.ts';
import { startServices, servicePorts } from './cluster.ts';
import { controlImageName } from './control-host.ts';
import { runInGuest, waitForUnits } from './guest.ts';
import { claimHost, type Layout, listRecords, releaseHost } from './host-records.ts';
import { makeMachine, removeMachine, saveImage, startMachine, stopMachine } from './machine.ts';
import { networkCommand } from './network.ts';
import { addressOf, controlName, diskOf, poolDir } from './paths.ts';
import { type ClusterLayout, clusterLayouts } from './seeds.ts';

/** Name of the image a host of this layout is cloned from. */
export function snapshotName(layout: Layout): string {
  if (layout === 'none') return baseImageName();
  return `host-${layout}-${recipeHash(controlImageName(), labFile('cluster-setup.sh'))}`;
}

/** Build the snapshots that are missing, side by side. Needs the control host. Call it under the lab's lock. */
export async function buildSnapshots(onProgress: Progress): Promise<void> {
  const missing = clusterLayouts.filter((layout) => !existsSync(diskOf(snapshotName(layout))));
  await Promise.all(missing.map((layout) => buildSnapshot(layout, onProgress)));
}

/** A host whose cluster was healthy at v1 and was then shut down cleanly: its services come up with Docker. */
async function buildSnapshot(layout: ClusterLayout, onProgress: Progress): Promise<void> {
  onProgress(`snapshot ${layout}: starting its cluster`);
  const { name } = await claimHost(layout, false);
  await makeMachine(name, baseImageName());
  await startMachine(name);
  await waitForUnits(name, ['docker', 'ssh'], 60);
  const args = ['-s', layout, `ssh://git@git.lab/srv/git/seed/${layout}`];
  const setup = {
    user: 'geo',
    input: labFile('cluster-setup.sh'),
    timeoutSeconds: 120,
    reject: true,
  };
  await runInGuest(name, 'bash', args, setup);
  const ports = startServices.map((service) => servicePorts[service]);
  if (!(await isServing(name, ports, 30))) throw new Error(`snapshot ${layout}: not healthy`);
  await stopMachine(name);
  await saveImage(name, snapshotName(layout));
  await removeMachine(name);
  await releaseHost(name);
  onProgress(`snapshot ${layout}: ready`);
}

/** Wait until every port answers GET /health with 200; false when the time is up. */
export async function isServing(
  name: string,
  ports: readonly number[],
  timeoutSeconds: number,
): Promise<boolean> {
  const urls = ports.map((port) => `http://${addressOf(name)}:${port}/health`);
  const serving = await poll(
    async () => {
      const { exitCode } = await networkCommand(
        'curl',
        ['-fsS', '--fail-early', '-m1', ...urls],
        false,
      );
      return exitCode === 0 ? true : undefined;
    },
    { timeoutSeconds, stepMs: 80 },
  );
  return serving === true;
}

/**
 * Delete images of older recipes, half-made ones, and disks nobody owns. The directory is read before the records: a
 * host is recorded before it has a disk, so a disk seen without a record is nobody's.
 */
export async function removeOldImages(): Promise<void> {
  const files = await readdir(poolDir);
  const records = await listRecords();
  const disks = [controlName, ...records.map((record) => record.name)];
  const layouts: Layout[] = [...clusterLayouts, 'none'];
  const images = [controlImageName(), ...layouts.map((layout) => snapshotName(layout))];
  const wanted = [...images, ...disks].map((name) => `${name}.img`);
  wanted.push(...disks.map((name) => `${name}.img.new`));
  for (const file of files) {
    if (file.includes('.img') && !wanted.includes(file)) {
      await rm(`${poolDir}/${file}`, { force: true });
    }
  }
}
