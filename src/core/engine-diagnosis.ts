import type { EngineDatabase } from './engine-databases.ts';
import type { EngineProbe, EngineProbeName, Task } from './engine-health.ts';

/** What is known of an engine that may be broken. */
export interface EngineDiagnosis {
  readonly probes: readonly EngineProbe[];
  /** Whether systemd takes `docker.service` for active, and why not. */
  readonly docker: { readonly isActive: boolean; readonly result: string };
  /** `elsewhere`: none that systemd makes. */
  readonly socket: 'there' | 'missing' | 'directory' | 'elsewhere';
  /** What dockerd says of its configuration; undefined where that is well. */
  readonly configProblem: string | undefined;
  /** A configuration that was good is in a backup. */
  readonly hasGoodConfig: boolean;
  readonly doesContainerdAnswer: boolean;
  readonly orphans: readonly Task[];
  /** Packages that were only half installed. */
  readonly halfInstalled: readonly string[];
  /** Packages of the engine with files that are not what was installed. */
  readonly damagedPackages: readonly string[];
  /** A database of its own that keeps dockerd from starting. */
  readonly damaged: EngineDatabase | undefined;
  /** dockerd does not start because of something else that it keeps. */
  readonly isRootAtFault: boolean;
  /** Images are kept by Docker, not by containerd. */
  readonly keepsImagesItself: boolean;
  /** Why the cluster must be left as it is; undefined where it can be made anew. */
  readonly clusterHindrance: string | undefined;
  /** Where Docker keeps everything. */
  readonly disk: DiskState;
  /** Docker answers, and knows no container of the release that is deployed. */
  readonly cluster: ClusterState;
  /** Those of its volumes that are not there any more. */
  readonly lostVolumes: readonly string[];
}

/** `room`: it is full, and old backups on it could go. */
export type DiskState = 'well' | 'full' | 'room';

/**
 * `gone`: Docker knows no container of it; `lost`: nor any of its volumes, and the newest good backup has them all;
 * `torn`: some of its volumes are gone, or no backup has them.
 */
export type ClusterState = 'there' | 'gone' | 'lost' | 'torn' | 'unknown';

/** A restart makes no room, and what ran may not come back. */
export const FULL = /no space left|read-only file system|quota exceeded/i;

/** Docker itself does not answer. */
export function isAway(diagnosis: EngineDiagnosis): boolean {
  return has(diagnosis, 'api', 'failed');
}

export function has(
  { probes }: EngineDiagnosis,
  probe: EngineProbeName,
  state: EngineProbe['state'],
): boolean {
  return probes.some((one) => one.name === probe && one.state === state);
}

export function detailOf({ probes }: EngineDiagnosis, probe: EngineProbeName): string {
  return probes.find((one) => one.name === probe && one.state === 'failed')?.detail ?? '';
}

/** Whether the cluster can be made anew: nothing of it is under way, and its work tree is what was deployed. */
export function canRecreate({ clusterHindrance }: EngineDiagnosis): boolean {
  return clusterHindrance === undefined;
}

/** Whether nothing more can be written where Docker keeps everything. */
export function isFull({ probes, disk }: EngineDiagnosis): boolean {
  return disk !== 'well' || probes.some(({ detail }) => FULL.test(detail));
}

/** Whether there is nothing to mend. A disk that is full harms nobody as long as Docker works. */
export function isWell({ probes, halfInstalled, cluster }: EngineDiagnosis): boolean {
  const isClusterThere = cluster === 'there' || cluster === 'unknown';
  return (
    probes.every(({ state }) => state !== 'failed') && halfInstalled.length === 0 && isClusterThere
  );
}

/** What is wrong, one line each. */
export function complaintsOf(diagnosis: EngineDiagnosis): string[] {
  const { probes, docker, configProblem, damaged } = diagnosis;
  return [
    ...probes
      .filter(({ state }) => state === 'failed')
      .map(({ name, detail }) => `${name}: ${detail}`),
    ...(docker.isActive ? [] : [`docker.service does not run (${docker.result})`]),
    ...(diagnosis.socket === 'missing' ? ['the socket of Docker is missing'] : []),
    ...(diagnosis.socket === 'directory' ? ['the socket of Docker is a directory'] : []),
    ...(damaged === undefined ? [] : [`its database of ${damaged} cannot be read`]),
    ...(diagnosis.isRootAtFault ? ['what Docker keeps cannot be read'] : []),
    ...(configProblem === undefined ? [] : [`daemon.json: ${configProblem}`]),
    ...listed('half installed', diagnosis.halfInstalled),
    ...listed('files are not what was installed', diagnosis.damagedPackages),
    ...(diagnosis.disk === 'well' ? [] : ['the disk that Docker keeps everything on is full']),
    ...clusterComplaints[diagnosis.cluster],
    ...listed('volumes of it that are gone', diagnosis.lostVolumes),
  ];
}

function listed(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${names.join(', ')}`];
}

const clusterComplaints: Readonly<Record<ClusterState, readonly string[]>> = {
  there: [],
  unknown: [],
  gone: ['Docker knows no container of the cluster'],
  lost: ['Docker knows no container of the cluster'],
  torn: ['Docker knows no container of the cluster'],
};
