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
  /** A database of its own that keeps dockerd from starting. */
  readonly damaged: EngineDatabase | undefined;
  /** Images are kept by Docker, not by containerd. */
  readonly keepsImagesItself: boolean;
  /** The cluster can be made anew: nothing of it is under way, and its work tree is what was deployed. */
  readonly canRecreate: boolean;
}

/** One thing that may mend an engine. */
export interface Rung {
  readonly number: number;
  readonly name: RungName;
  /** In a person's words. */
  readonly what: string;
  readonly risk: string;
  /** Whether it can be taken back. */
  readonly isReversible: boolean;
  /** It ends what runs: what looks broken is looked at again before, since a busy host may only be slow. */
  readonly isDisruptive: boolean;
}

export type RungName =
  | 'start'
  | 'restore-config'
  | 'renew-socket'
  | 'kill-dockerd'
  | 'restart-containerd'
  | 'restart-docker'
  | 'end-orphans'
  | 'renew-networks'
  | 'renew-volumes'
  | 'renew-containerd'
  | 'finish-packages';

interface RungRule extends Rung {
  readonly canHelp: (diagnosis: EngineDiagnosis) => boolean;
}

/** What shims and a containerd of different versions say of each other. */
const MISFIT =
  /unsupported shim version|not implemented|shim .*protocol|containerd.*(unavailable|refused)/i;
/** A restart makes no room, and what ran may not come back. */
const FULL = /no space left|read-only file system|quota exceeded/i;
const STOPS_ALL = 'without live-restore every container is stopped, and started again';

/** From the least to the most. The numbers are those of the documentation; higher ones need a person. */
const ladder: readonly RungRule[] = [
  {
    number: 2,
    name: 'start',
    what: 'start Docker, whatever systemd counted against it',
    risk: 'none',
    isReversible: true,
    isDisruptive: false,
    canHelp: (diagnosis) =>
      // Without containerd it would start for ever.
      isAway(diagnosis) &&
      !diagnosis.docker.isActive &&
      diagnosis.configProblem === undefined &&
      diagnosis.socket !== 'directory' &&
      diagnosis.damaged === undefined &&
      diagnosis.doesContainerdAnswer,
  },
  {
    number: 3,
    name: 'restore-config',
    what: 'put daemon.json back as the newest backup has it; what is there now is moved aside',
    risk: 'none',
    isReversible: true,
    isDisruptive: false,
    canHelp: (diagnosis) =>
      // What a person has just written does not matter yet to a Docker that works.
      isAway(diagnosis) && diagnosis.configProblem !== undefined && diagnosis.hasGoodConfig,
  },
  {
    number: 4,
    name: 'renew-socket',
    what: 'make the socket of Docker anew',
    risk: STOPS_ALL,
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) =>
      isAway(diagnosis) &&
      (diagnosis.socket === 'missing' || diagnosis.socket === 'directory') &&
      diagnosis.configProblem === undefined,
  },
  {
    number: 5,
    name: 'kill-dockerd',
    what: 'end a dockerd that does not answer, and start it again',
    risk: STOPS_ALL,
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) =>
      diagnosis.docker.isActive && diagnosis.doesContainerdAnswer && isAway(diagnosis),
  },
  {
    number: 6,
    name: 'restart-containerd',
    what: 'restart containerd, then Docker',
    risk: STOPS_ALL,
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) =>
      !diagnosis.doesContainerdAnswer || MISFIT.test(detailOf(diagnosis, 'container')),
  },
  {
    number: 7,
    name: 'restart-docker',
    what: 'restart Docker, which makes its ports and networks anew',
    risk: STOPS_ALL,
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) =>
      has(diagnosis, 'container', 'failed') || has(diagnosis, 'ports', 'failed'),
  },
  {
    number: 8,
    name: 'end-orphans',
    what: 'end what runs and Docker does not know, and make its service anew',
    risk: 'what such a process has not written yet is lost',
    isReversible: false,
    isDisruptive: true,
    canHelp: ({ orphans }) => orphans.length > 0,
  },
  {
    number: 9,
    name: 'renew-networks',
    what: 'put the damaged database of networks aside; make the cluster and its networks anew',
    risk: 'every container is made anew: what is not in a volume that has a name is gone',
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) =>
      isAway(diagnosis) && diagnosis.damaged === 'networks' && diagnosis.canRecreate,
  },
  {
    number: 10,
    name: 'renew-volumes',
    what: 'put the damaged list of volumes aside; Docker finds their data by itself',
    risk: 'labels of volumes are lost, and options of volumes that are not local',
    isReversible: true,
    isDisruptive: false,
    canHelp: (diagnosis) => isAway(diagnosis) && diagnosis.damaged === 'volumes',
  },
  {
    number: 12,
    name: 'renew-containerd',
    what: 'put the damaged database of containerd aside, with what it knows of what runs',
    risk: 'every container is ended at once, and started again',
    isReversible: false,
    isDisruptive: true,
    // Else the images are in there.
    canHelp: (diagnosis) =>
      isAway(diagnosis) && diagnosis.damaged === 'containerd' && diagnosis.keepsImagesItself,
  },
  {
    number: 13,
    name: 'finish-packages',
    what: 'finish an installation of packages that was cut off',
    risk: `packages may restart Docker: ${STOPS_ALL}`,
    isReversible: true,
    isDisruptive: true,
    canHelp: ({ halfInstalled }) => halfInstalled.length > 0,
  },
];

/** From here on a person is told of each one that is taken. */
export const TOLD_FROM_RUNG = 3;
/** Up to here nothing is lost that was written. */
export const UNATTENDED_RUNG = 8;
export const HIGHEST_RUNG = Math.max(...ladder.map(({ number }) => number));

/** Docker itself does not answer. */
function isAway(diagnosis: EngineDiagnosis): boolean {
  return has(diagnosis, 'api', 'failed');
}

function has(
  { probes }: EngineDiagnosis,
  probe: EngineProbeName,
  state: EngineProbe['state'],
): boolean {
  return probes.some((one) => one.name === probe && one.state === state);
}

function detailOf({ probes }: EngineDiagnosis, probe: EngineProbeName): string {
  return probes.find((one) => one.name === probe && one.state === 'failed')?.detail ?? '';
}

/** Whether there is nothing to mend. */
export function isWell(diagnosis: EngineDiagnosis): boolean {
  const { probes, halfInstalled } = diagnosis;
  return probes.every(({ state }) => state !== 'failed') && halfInstalled.length === 0;
}

/**
 * The rungs that can help, the lowest first.
 *
 * @param tried those that were taken in this incident: each is taken once
 */
export function rungsFor(
  diagnosis: EngineDiagnosis,
  tried: readonly RungName[],
  highest: number,
): Rung[] {
  const isFull = diagnosis.probes.some(({ detail }) => FULL.test(detail));
  return ladder
    .filter(({ name, number }) => number <= highest && !tried.includes(name))
    .filter(({ isDisruptive, canHelp }) => !(isFull && isDisruptive) && canHelp(diagnosis))
    .map(({ number, name, what, risk, isReversible, isDisruptive }) => {
      return { number, name, what, risk, isReversible, isDisruptive };
    });
}

/** What is wrong, one line each. */
export function complaintsOf(diagnosis: EngineDiagnosis): string[] {
  const { probes, docker, socket, configProblem, halfInstalled, damaged } = diagnosis;
  return [
    ...probes
      .filter(({ state }) => state === 'failed')
      .map(({ name, detail }) => `${name}: ${detail}`),
    ...(docker.isActive ? [] : [`docker.service does not run (${docker.result})`]),
    ...(socket === 'missing' ? ['the socket of Docker is missing'] : []),
    ...(socket === 'directory' ? ['the socket of Docker is a directory'] : []),
    ...(damaged === undefined ? [] : [`its database of ${damaged} cannot be read`]),
    ...(configProblem === undefined ? [] : [`daemon.json: ${configProblem}`]),
    ...(halfInstalled.length === 0 ? [] : [`half installed: ${halfInstalled.join(', ')}`]),
  ];
}
