import type { EngineTransaction } from './engine-records.ts';
import { messageOf } from './errors.ts';
import type { UpgradeHost } from './host/upgrade-host.ts';

/**
 * Switches live-restore off again where it was switched on for this.
 *
 * @returns what a person has to know of it, to be added to a summary; empty where there is nothing
 * @throws what kept it from being tried
 */
export async function endLiveRestore(
  host: UpgradeHost,
  { id, isLiveRestoreOurs }: EngineTransaction,
): Promise<string> {
  const left = isLiveRestoreOurs ? await host.switchLiveRestoreOff(id) : undefined;
  if (left === undefined) return '';
  host.log.warn(`engine: ${left}`);
  return `; ${left}`;
}

/**
 * Releases what was held for this, and by nobody before: nothing was changed, so nothing is to be different.
 *
 * @returns what a person has to know of it, to be added to a summary; empty where there is nothing
 */
export async function releaseHolds(
  host: UpgradeHost,
  { holds }: EngineTransaction,
): Promise<string> {
  if (holds.length === 0) return '';
  try {
    await host.unhold(holds);
    return '';
  } catch (error) {
    host.log.warn(`engine: ${messageOf(error)}`);
    const names = holds.join(' ');
    return `; its packages may be held still: apt-mark unhold ${names}, or dnf versionlock delete ${names}`;
  }
}

/** As `endLiveRestore`, where nothing is worth going back for: what kept it from being tried is told, too. */
export function endLiveRestoreQuietly(
  host: UpgradeHost,
  transaction: EngineTransaction,
): Promise<string> {
  return endLiveRestore(host, transaction).catch((error: unknown) => {
    const left = `live-restore may be on still: ${messageOf(error)}`;
    host.log.warn(`engine: ${left}`);
    return `; ${left}`;
  });
}
