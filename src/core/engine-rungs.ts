import { canRecreate, detailOf, has, isAway, type EngineDiagnosis } from './engine-diagnosis.ts';

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
  | 'make-room'
  | 'bring-up'
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
  | 'finish-packages'
  | 'renew-root'
  | 'reinstall'
  | 'restore'
  | 'reboot';

/** A rung, and when it is taken. */
export interface RungRule extends Rung {
  /** @param tried those that were taken in this incident */
  readonly canHelp: (diagnosis: EngineDiagnosis, tried: readonly RungName[]) => boolean;
}

/** What shims and a containerd of different versions say of each other. */
const MISFIT =
  /unsupported shim version|not implemented|shim .*protocol|containerd.*(unavailable|refused)/i;
const STOPS_ALL = 'without live-restore every container is stopped, and started again';

/** From the least to the most. The numbers are those of the documentation. */
export const ladder: readonly RungRule[] = [
  {
    number: 0,
    name: 'make-room',
    what: 'remove the oldest backups from a full disk, until 1 GiB is free',
    risk: 'these backups are gone; the newest good one stays',
    isReversible: false,
    isDisruptive: false,
    canHelp: (diagnosis) => diagnosis.disk === 'room',
  },
  {
    number: 1,
    name: 'bring-up',
    what: 'make the cluster anew around its volumes',
    risk: 'none',
    isReversible: true,
    isDisruptive: false,
    canHelp: (diagnosis) => canServe(diagnosis) && diagnosis.cluster === 'gone',
  },
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
      isAway(diagnosis) && diagnosis.damaged === 'networks' && canRecreate(diagnosis),
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
  {
    number: 16,
    name: 'renew-root',
    what: 'put all that Docker keeps aside, but the volumes; the cluster is made anew after that',
    risk: 'containers, images and networks are made anew, those of others are gone; volumes stay as they are',
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) =>
      isAway(diagnosis) &&
      diagnosis.isRootAtFault &&
      diagnosis.damagedPackages.length === 0 &&
      canRecreate(diagnosis),
  },
  {
    number: 17,
    name: 'reinstall',
    what: 'install the same packages of the engine once more, over what is there',
    risk: STOPS_ALL,
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis, tried) =>
      !isServing(diagnosis) &&
      (diagnosis.damagedPackages.length > 0 || tried.includes('renew-root')),
  },
  {
    number: 18,
    name: 'restore',
    what: 'bring the volumes, which are all gone, back from the newest good backup',
    risk: 'the cluster begins with the data of that backup: what was written since is not in it',
    isReversible: false,
    isDisruptive: false,
    canHelp: (diagnosis) => canServe(diagnosis) && diagnosis.cluster === 'lost',
  },
  {
    number: 19,
    name: 'reboot',
    what: 'reboot this host, once',
    risk: 'everything on it is stopped, and started again',
    isReversible: true,
    isDisruptive: true,
    canHelp: (diagnosis) => !isServing(diagnosis),
  },
];

/** Whether Docker makes containers. */
function isServing(diagnosis: EngineDiagnosis): boolean {
  return !isAway(diagnosis) && !has(diagnosis, 'container', 'failed');
}

function canServe(diagnosis: EngineDiagnosis): boolean {
  return isServing(diagnosis) && canRecreate(diagnosis);
}
