import type { EngineDiagnosis } from '../../src/core/engine-diagnosis.ts';
import { engineProbeNames, type EngineProbe } from '../../src/core/engine-health.ts';

/** An engine on which nothing is to be mended. */
export const well: EngineDiagnosis = {
  probes: engineProbeNames.map((name) => ({ name, state: 'ok', detail: '', seconds: 0 })),
  docker: { isActive: true, result: 'success' },
  socket: 'there',
  configProblem: undefined,
  hasGoodConfig: true,
  doesContainerdAnswer: true,
  orphans: [],
  halfInstalled: [],
  damaged: undefined,
  keepsImagesItself: true,
  clusterHindrance: undefined,
  lostVolumes: [],
  damagedPackages: [],
  isRootAtFault: false,
  disk: 'well',
  cluster: 'there',
};

/** The same with some probes that fail. */
export const failing = (details: Record<string, string>, more: Partial<EngineDiagnosis> = {}) => ({
  ...well,
  probes: well.probes.map((probe): EngineProbe =>
    details[probe.name] === undefined
      ? probe
      : { ...probe, state: 'failed', detail: details[probe.name] ?? '' },
  ),
  ...more,
});
/** A Docker that does not run. */
export const down = failing(
  { api: 'no answer' },
  { docker: { isActive: false, result: 'exit-code' } },
);

export const orphan = { id: 'a', pid: 1, status: 'RUNNING' };
