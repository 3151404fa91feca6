import type { Config } from './config/schema.ts';
import type { ComposeModel } from './core/compose-model.ts';
import { keptVolumesOf } from './core/mounts.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { Host } from './host/host.ts';
import { writeNeedsOperator } from './records.ts';
import { files } from './state-names.ts';
import { composeLabels } from './swap.ts';

/**
 * Brings the volumes of a release, which are all gone, back from a backup, and then has the cluster brought up.
 *
 * A person is asked for before the first of them is made, and no more when all is well: whatever cuts this off, nobody
 * takes volumes that are empty, or half full, for those of the cluster.
 *
 * @param bringUp brings the release up. @throws where it does not become healthy
 */
export async function restoreLost(
  host: Host,
  config: Config,
  { model, backup }: { readonly model: ComposeModel; readonly backup: BackupManifest },
  bringUp: () => Promise<void>,
): Promise<void> {
  const { name, volumes = [] } = backup;
  const reason = `the volumes of ${config.project_name} were gone, and are brought back from the backup ${name}; where that was cut off, or has failed: orchestrator-update acknowledge, then orchestrator-update restore ${name} --volumes`;
  await writeNeedsOperator(host.state, {
    reason,
    at: host.now().toISOString(),
    transaction: 'engine',
  });
  for (const volume of keptVolumesOf(model).filter((one) => volumes.includes(one))) {
    const live = await host.engine.createVolume(volume, composeLabels(model, volume));
    const swap = { subject: `volume ${volume}`, live, other: live, place: `volumes/${volume}` };
    host.log.warn(`restoring ${swap.subject} from ${name}`);
    await host.swaps.fill(backup, swap);
  }
  await host.barrier();
  await bringUp();
  await host.state.remove(files.needsOperator);
  host.log.warn(`${config.project_name} runs with the data of the backup ${name}`);
}
