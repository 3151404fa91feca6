import type { EngineClient } from './engine-clients.ts';
import { isDockerd, type PackageChange } from './engine-upgrade.ts';
import { atLeast } from './version.ts';

/** A container as it was before its engine was touched. */
export interface ContainerBefore {
  readonly id: string;
  readonly name: string;
  /** Of its first process on this host; 0 where it does not run. */
  readonly pid: number;
  /** When it was started last, as Docker says it. */
  readonly startedAt: string;
  /** What its healthcheck says; `none` where it has none. */
  readonly health: string;
  /** It has ended well, and is not to be started again: a job. */
  readonly isDone: boolean;
}

/** What of an engine must be the same after it was upgraded or taken back. */
export interface EngineView {
  /** The version of dockerd that runs. */
  readonly version: string;
  readonly oldestApi: string;
  readonly storageDriver: string;
  readonly imageStore: 'docker' | 'containerd';
  readonly liveRestore: boolean;
  readonly isSwarm: boolean;
  readonly containers: readonly ContainerBefore[];
  /** Names; of volumes, without those that nobody has named. */
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

/**
 * How far an engine transaction is; each is written before what it names is begun.
 *
 * `prepared`: nothing but live-restore was touched. `unpacking`: packages are being replaced, the daemons run on.
 * `restarting`: the daemons are restarted. `holding`: all was well, and it is watched. `going back`: the old packages
 * are brought back.
 */
export const enginePhases = [
  'prepared',
  'unpacking',
  'restarting',
  'holding',
  'going back',
] as const;
export type EnginePhase = (typeof enginePhases)[number];

/** Whether the daemons run what is on the disk from now on. */
export function isRestarted(phases: readonly EnginePhase[]): boolean {
  return phases.includes('restarting');
}

/** Whether a version of containerd takes the place of a newer major one: it cannot take over tasks of that. */
export function isContainerdStepBack(changes: readonly PackageChange[]): boolean {
  return changes.some(
    ({ name, from, to }) =>
      (name === 'containerd' || name === 'containerd.io') &&
      from !== undefined &&
      to !== undefined &&
      atLeast(from, '2.0.0') &&
      !atLeast(to, '2.0.0'),
  );
}

/** The same changes the other way round. */
export function reversed(changes: readonly PackageChange[]): PackageChange[] {
  return changes.map(({ name, from, to }) => ({ name, from: to, to: from }));
}

/** What of an engine is not as it was. */
export function differencesOf(
  before: EngineView,
  after: EngineView,
  how: { readonly mayRestart: boolean; readonly onlyContainers?: boolean },
): string[] {
  const found = new Map(after.containers.map((one) => [one.id, one]));
  return [
    ...(after.storageDriver === before.storageDriver
      ? []
      : [`the storage driver is ${after.storageDriver} instead of ${before.storageDriver}`]),
    ...(after.imageStore === before.imageStore
      ? []
      : [`images are kept by ${after.imageStore} instead of ${before.imageStore}`]),
    ...before.containers.flatMap((one) => containerDifference(one, found.get(one.id), how)),
    ...(how.onlyContainers === true
      ? []
      : [
          ...missing('network', before.networks, after.networks),
          ...missing('volume', before.volumes, after.volumes),
        ]),
  ];
}

function containerDifference(
  before: ContainerBefore,
  after: ContainerBefore | undefined,
  { mayRestart }: { readonly mayRestart: boolean },
): string[] {
  // Others may remove what does not run, and run jobs, at any time.
  if (before.pid === 0 || after?.isDone === true) return [];
  if (after === undefined) return [`the container ${before.name} is not there any more`];
  if (after.pid === 0) return [`${before.name} does not run any more`];
  if (!mayRestart && after.pid !== before.pid) return [`${before.name} was restarted`];
  const isWorse = before.health === 'healthy' && after.health === 'unhealthy';
  return isWorse ? [`${before.name} was healthy, and is not any more`] : [];
}

function missing(what: string, before: readonly string[], after: readonly string[]): string[] {
  return before
    .filter((name) => !after.includes(name))
    .map((name) => `the ${what} ${name} is not there any more`);
}

/** The version of dockerd that packages bring; undefined where they bring none. */
export function dockerdIn(
  changes: readonly PackageChange[],
  side: 'from' | 'to',
): string | undefined {
  const found = changes.find(({ name }) => isDockerd(name))?.[side];
  // Without the epoch, and what Debian adds.
  return found && /^(?:\d+:)?(\d+\.\d+\.\d+)/.exec(found)?.[1];
}

/** Clients that the engine does not understand any more. */
export function shutOut(clients: readonly EngineClient[], oldestApi: string): string[] {
  return clients
    .filter(({ apiVersion }) => apiVersion !== undefined && isOlderApi(apiVersion, oldestApi))
    .map(
      ({ who, apiVersion = '' }) =>
        `${who} speaks API ${apiVersion}, and the engine only ${oldestApi} or newer`,
    );
}

/**
 * The oldest API that an engine of a version speaks unless it is told otherwise.
 *
 * Source: release notes of Docker 25.0 (1.24), 29.0 (1.44) and 29.3 (1.40).
 */
export function oldestApiOf(version: string): string {
  if (atLeast(version, '29.3.0')) return '1.40';
  return atLeast(version, '29.0.0') ? '1.44' : '1.24';
}

/** Whether a version of the API (`1.24`) is older than another. */
export function isOlderApi(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [thanMajor = 0, thanMinor = 0] = than.split('.').map(Number);
  return major === thanMajor ? minor < thanMinor : major < thanMajor;
}
