import type { RepairCluster } from './host/repair-host.ts';
import type { RepairOutcome } from './repair-engine.ts';

/** An engine that works is not all of it: what Docker has lost of the cluster is made anew. */
export async function completeRepair(
  outcome: RepairOutcome,
  cluster: RepairCluster | undefined,
): Promise<RepairOutcome> {
  const { state, summary } = outcome;
  if (cluster === undefined || (state !== 'repaired' && state !== 'half')) return outcome;
  if (await cluster.complete()) return outcome;
  return { ...outcome, state: 'half', summary: `${summary}; the cluster could not be brought up` };
}
