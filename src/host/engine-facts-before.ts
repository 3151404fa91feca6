import type { EngineFactsBefore } from '../core/engine-preflight.ts';
import { packagesOfEngines } from '../core/engine-parts.ts';
import { damagedNames } from '../core/verification.ts';
import { hindranceIn } from '../hindrance.ts';
import { readVerifications } from '../records.ts';
import { listBackups } from './backups.ts';
import { diskOf } from './disk.ts';
import { openEngineApi } from './engine-api.ts';
import { readEngineStatus } from './engine-status.ts';
import { viewEngine } from './engine-view.ts';
import type { StateHost } from './host.ts';
import { isInstalling, openPackages } from './packages.ts';

/** Where to look. */
export interface FactsContext {
  readonly socket: string;
  readonly state: StateHost;
  readonly stateDirectory: string;
  readonly backupsDirectory: string;
}

const API_SECONDS = 15;
const HOUR_MS = 3_600_000;

/**
 * Everything that decides whether an engine may be upgraded now.
 *
 * @param to the version of dockerd that is wanted; the newest if left out
 */
export async function readFactsBefore(
  context: FactsContext,
  to: string | undefined,
): Promise<EngineFactsBefore> {
  const { socket, state, stateDirectory, backupsDirectory } = context;
  const status = await readEngineStatus(socket, to);
  const api = openEngineApi(socket, API_SECONDS);
  const disks = await Promise.all([diskOf('/usr'), diskOf(stateDirectory)]);
  return {
    parts: status,
    upgrade: status.upgrade ?? { changes: [], refusals: [] },
    probes: status.probes,
    clients: status.clients ?? [],
    isSwarm: await viewEngine(api).then(
      ({ isSwarm }) => isSwarm,
      () => false,
    ),
    unfinishedPackages: await (await openPackages())?.unfinished(packagesOfEngines),
    isInstalling: await isInstalling(),
    freeBytes: disks.flatMap((disk) => (disk ? [disk.freeBytes] : [])),
    backup: await newestGoodBackup(state, backupsDirectory),
    hindrance: await hindranceIn(state),
  };
}

async function newestGoodBackup(
  state: StateHost,
  directory: string,
): Promise<EngineFactsBefore['backup']> {
  const damaged = damagedNames(await readVerifications(state));
  const newest = (await listBackups(directory)).find(({ name }) => !damaged.has(name));
  if (newest === undefined) return undefined;
  return { name: newest.name, ageHours: (Date.now() - Date.parse(newest.createdAt)) / HOUR_MS };
}
