import { completeRepair } from '../complete-repair.ts';
import type { EngineOutcome } from '../engine-outcome.ts';
import { probeEngine } from '../host/engine-probes.ts';
import { createRepairHost, type RepairContext } from '../host/engine-repair.ts';
import { repairEngine } from '../repair-engine.ts';
import { files } from '../state-names.ts';

/**
 * Mends an engine in its unit, and the cluster on it; goes on with what was cut off.
 *
 * @param isStuck Docker answers, and is to be looked at all the same
 */
export async function mendedEngine(
  context: RepairContext,
  maxRung: number,
  isStuck = false,
): Promise<EngineOutcome> {
  const host = createRepairHost(context);
  const isNew = (await context.state.read(files.engineIncident)) === undefined;
  // Somebody else has seen to it meanwhile, or it was only busy.
  if (isNew && !isStuck) {
    const [api] = await probeEngine(context.socket);
    if (api?.state === 'ok') {
      return { state: 'done', summary: 'Docker answers', changes: [], problems: [] };
    }
  }
  if (!isNew) {
    // At boot, Docker is being started at the same time.
    await host.untilStarted();
    await host.settle();
  }
  const repaired = await repairEngine(host, { isDry: false, maxRung });
  const { state, summary, complaints } = await completeRepair(repaired, context.cluster);
  const isWell = state === 'well' || state === 'repaired';
  const told = state === 'operator' ? 'operator' : 'aborted';
  return {
    state: isWell ? 'done' : told,
    summary,
    changes: [],
    problems: complaints,
    isRepaired: state === 'repaired',
  };
}
