import { z } from 'zod';
import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { megabytes } from './core/megabytes.ts';
import { roomFor } from './core/room.ts';
import { volumeName } from './core/mounts.ts';
import {
  dataDirectories,
  deviceOf,
  REPLACED_LABEL,
  replacedDirectory,
  replacedVolume,
} from './core/swap.ts';
import { OperatorError, RefusedError } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { files } from './state-names.ts';

/** What changes places in a transaction, written down before anything of it is made. */
const recordSchema = z.object({
  /** Whether all of the data is there, compared, and on the disk. */
  isFilled: z.boolean(),
  swaps: z.array(
    z.object({
      subject: z.string(),
      live: z.string(),
      other: z.string(),
      place: z.string(),
      volume: z.string().optional(),
      /** Which directory has the data of the backup, wherever it is now. */
      identity: z.string(),
    }),
  ),
});
type SwapRecord = z.output<typeof recordSchema>;

const recordOf = (id: string): string => `${files.transactions}/${id}/swaps.json`;

/**
 * Lays the data of a backup beside the live one: into new volumes and directories. Done once; what was cut
 * off is gone on with.
 *
 * @param id of the transaction
 * @throws {RefusedError} when the backup is damaged or gone, or there is no room; the live data is as it was
 */
export async function fillBeside(
  host: Host,
  config: Config,
  id: string,
  backup: string,
): Promise<void> {
  const before = await readSwaps(host, id);
  if (before?.isFilled) return;
  const manifest = (await host.backups.list()).find(({ name }) => name === backup);
  if (!manifest) {
    throw new RefusedError(
      `there is no backup ${backup} any more`,
      'orchestrator-update backup list',
    );
  }
  const swaps = before?.swaps ?? (await makeBeside(host, config, id, manifest));
  for (const swap of swaps) {
    host.log.info(`restoring ${swap.subject} from ${backup}`);
    await host.swaps.fill(manifest, swap);
  }
  await host.barrier();
  await writeSwaps(host, id, { isFilled: true, swaps });
}

/** What is live and the data of the backup change places, each once. Nothing may have it mounted. */
export async function putIn(host: Host, id: string): Promise<void> {
  const record = await readSwaps(host, id);
  if (!record?.isFilled) return;
  for (const swap of record.swaps) {
    if ((await host.swaps.identity(swap.live)) === swap.identity) continue;
    if ((await host.swaps.identity(swap.other)) !== swap.identity) throw lost(swap);
    await host.swaps.exchange(swap);
  }
}

/** What was live before is live again. */
export async function putBack(host: Host, id: string): Promise<void> {
  const record = await readSwaps(host, id);
  for (const swap of record?.swaps ?? []) {
    if ((await host.swaps.identity(swap.live)) === swap.identity) await host.swaps.exchange(swap);
  }
}

/** Removes what came from the backup, where it is not live. What was replaced is never removed. */
export async function dropRestored(host: Host, id: string): Promise<void> {
  const record = await readSwaps(host, id);
  if (record === undefined) return dropUnrecorded(host, id);
  for (const { other, volume, identity } of record.swaps) {
    if ((await host.swaps.identity(other)) !== identity) continue;
    if (volume === undefined) await host.swaps.remove(other);
    else await host.engine.removeVolume(volume);
  }
}

/** Volumes that were made when we were cut off, before that was written down: empty ones. */
async function dropUnrecorded(host: Host, id: string): Promise<void> {
  for (const { name, labels } of await host.engine.volumes()) {
    const of = labels[REPLACED_LABEL];
    if (of !== undefined && name === replacedVolume(of, id)) await host.engine.removeVolume(name);
  }
}

/** Whether the data of the backup is live: all of it, none of it, or some. */
export async function dataIs(host: Host, id: string): Promise<'in' | 'out' | 'mixed'> {
  const { swaps = [] } = (await readSwaps(host, id)) ?? {};
  const found = await Promise.all(
    swaps.map(async ({ live, identity }) => (await host.swaps.identity(live)) === identity),
  );
  if (found.every((isIn) => !isIn)) return 'out';
  return found.every(Boolean) ? 'in' : 'mixed';
}

/** @throws {RefusedError} when the data of a backup would have no room beside that of the cluster */
export async function refuseWithoutRoomBack(
  host: Host,
  config: Config,
  backup: string,
): Promise<void> {
  const manifest = (await host.backups.list()).find(({ name }) => name === backup);
  const { rootDirectory } = await host.engine.facts();
  const disk = await host.disk(rootDirectory);
  const needed = roomFor(manifest?.sizeBytes ?? 0, config.backup.reserve_mb);
  if (disk === undefined || disk.freeBytes >= needed) return;
  throw new RefusedError(
    `rollback.volumes: no room to bring the data back beside that of the cluster: ${megabytes(needed)} needed on the disk of ${rootDirectory}, ${megabytes(disk.freeBytes)} free`,
    'make room there, or set rollback.volumes to never; nothing was changed',
  );
}

/** What a person has to know of the data that was replaced; undefined where none was. */
export async function replacedText(host: Host, id: string): Promise<string | undefined> {
  const record = await readSwaps(host, id);
  if (!record?.isFilled || record.swaps.length === 0) return undefined;
  const kept = record.swaps.map(({ volume, other }) =>
    volume === undefined ? other : `volume ${volume}`,
  );
  return `what was there before is kept until you remove it: ${kept.join(', ')}`;
}

/** Makes the directories, empty, and notes which they are before anything is in them. */
async function makeBeside(
  host: Host,
  config: Config,
  id: string,
  manifest: BackupManifest,
): Promise<SwapRecord['swaps']> {
  const model = await host.backups.readModel(manifest);
  const swaps = [
    ...(await volumeSwaps(host, model, id, manifest)),
    ...(await directorySwaps(host, config, model, id, manifest)),
  ];
  if (swaps.length === 0) {
    throw new RefusedError(
      `the backup ${manifest.name} has no data of the cluster in it, only its work tree`,
      `orchestrator-update rollback --to ${manifest.name}`,
    );
  }
  await refuseShared(host, swaps);
  await writeSwaps(host, id, { isFilled: false, swaps });
  return swaps;
}

type Made = SwapRecord['swaps'][number];

async function volumeSwaps(
  host: Host,
  model: ComposeModel,
  id: string,
  { volumes: names = [] }: BackupManifest,
): Promise<Made[]> {
  const known = new Map((await host.engine.volumes()).map((volume) => [volume.name, volume]));
  const swaps: Made[] = [];
  for (const name of names) {
    const [subject, place] = [`volume ${name}`, `volumes/${name}`];
    const volume = known.get(name);
    const device = volume && deviceOf(volume);
    if (device !== undefined) {
      swaps.push(await besideDirectory(host, { subject, place, live: device }, id));
      continue;
    }
    const live =
      volume?.mountpoint ?? (await host.engine.createVolume(name, composeLabels(model, name)));
    const beside = replacedVolume(name, id);
    if (known.has(beside) && known.get(beside)?.labels[REPLACED_LABEL] !== name) {
      throw new RefusedError(`the volume ${beside} is not ours`, `docker volume rm ${beside}`);
    }
    const other = await host.engine.createVolume(beside, { [REPLACED_LABEL]: name });
    swaps.push({ subject, live, other, place, volume: beside, identity: await here(host, other) });
  }
  return swaps;
}

/** As compose makes it: a volume without them it takes for a stranger's. */
export function composeLabels(model: ComposeModel, name: string): Record<string, string> {
  const key = Object.keys(model.volumes ?? {}).find((one) => volumeName(model, one) === name);
  if (key === undefined) return {};
  return { 'com.docker.compose.project': model.name ?? '', 'com.docker.compose.volume': key };
}

async function directorySwaps(
  host: Host,
  { backups_dir: backups }: Config,
  model: ComposeModel,
  id: string,
  manifest: BackupManifest,
): Promise<Made[]> {
  const commits = new Set([manifest.commit, (await host.git.head()).commit]);
  const tracked = await Promise.all([...commits].map((commit) => host.git.trackedPaths(commit)));
  const found = dataDirectories(model, host.git.directory, backups, tracked.flat());
  const swaps: Made[] = [];
  for (const live of found) {
    const place = host.swaps.placeOf(live);
    if (!(await host.swaps.isIn(manifest, place))) continue;
    if ((await host.swaps.identity(live)) === undefined) await host.swaps.make(live);
    swaps.push(await besideDirectory(host, { subject: live, place, live }, id));
  }
  return swaps;
}

async function besideDirectory(
  host: Host,
  swap: Pick<Made, 'subject' | 'place' | 'live'>,
  id: string,
): Promise<Made> {
  const other = replacedDirectory(swap.live, id);
  await host.swaps.make(other);
  return { ...swap, other, identity: await here(host, other) };
}

async function here(host: Host, directory: string): Promise<string> {
  const identity = await host.swaps.identity(directory);
  if (identity !== undefined) return identity;
  throw new OperatorError(`${directory} is not there`, `ls -ld ${directory}`);
}

/** Who else has it mounted would go on with what was replaced. */
async function refuseShared(host: Host, swaps: readonly Made[]): Promise<void> {
  const mounted = await host.engine.mountedPaths();
  const ours = (await host.engine.containers()).flatMap(({ mounts }) =>
    mounts.map(({ source }) => source),
  );
  const shared = swaps.filter(({ live }) => timesIn(mounted, live) > timesIn(ours, live));
  if (shared.length === 0) return;
  throw new RefusedError(
    `containers that are not of this cluster have it mounted: ${shared.map(({ subject }) => subject).join(', ')}`,
    'docker ps --all --format "{{.Names}} {{.Mounts}}"; remove those containers, then restore again',
  );
}

function timesIn(paths: readonly string[], path: string): number {
  return paths.filter((one) => one === path).length;
}

function lost({ subject, live, other }: Made): OperatorError {
  return new OperatorError(
    `${subject}: the data of the backup is neither in ${live} nor in ${other}`,
    `ls -ld ${live} ${other}`,
  );
}

async function readSwaps(host: Host, id: string): Promise<SwapRecord | undefined> {
  const [line] = await host.state.lines(recordOf(id));
  if (line !== undefined) return recordSchema.parse(JSON.parse(line));
  if ((await host.state.read(recordOf(id))) === undefined) return undefined;
  throw new OperatorError(
    `the record of what a restore replaced is damaged (${recordOf(id)})`,
    `docker volume ls --filter label=${REPLACED_LABEL}    # the data is there: put back what you need`,
  );
}

async function writeSwaps(host: Host, id: string, record: SwapRecord): Promise<void> {
  await host.state.writeLine(recordOf(id), JSON.stringify(record));
}
