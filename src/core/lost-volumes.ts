import type { ClusterState } from './engine-diagnosis.ts';

/** The volumes of a cluster that Docker knows no container of, by their names. */
export interface VolumesSeen {
  /** Those that the deployed release keeps its data in. */
  readonly expected: readonly string[];
  readonly there: ReadonlySet<string>;
  /** Those in the newest good backup. */
  readonly backedUp: readonly string[];
}

/** What has become of it, and which of its volumes are not there any more. */
export interface ClusterLook {
  readonly state: ClusterState;
  readonly lostVolumes: readonly string[];
}

/**
 * Whether a cluster without containers can be brought up, or would begin with volumes that are empty. Some volumes that
 * are older than the others are nothing a program brings back by itself.
 */
export function clusterLookOf({ expected, there, backedUp }: VolumesSeen): ClusterLook {
  const lostVolumes = expected.filter((name) => !there.has(name));
  if (lostVolumes.length === 0) return { state: 'gone', lostVolumes };
  const isAllLost = lostVolumes.length === expected.length;
  const isAllKept = lostVolumes.every((name) => backedUp.includes(name));
  return { state: isAllLost && isAllKept ? 'lost' : 'torn', lostVolumes };
}
