import type { EngineProbe } from '../core/engine-health.ts';
import type { EngineView } from '../core/engine-transaction.ts';
import type { PackageChange } from '../core/engine-upgrade.ts';
import type { StateHost } from './host.ts';
import type { Log } from './log.ts';

/** Which of the kept packages: those of after an upgrade, or of before it. */
export type Side = 'new' | 'old';

/** What may be asked of the machine while its engine is upgraded or taken back. */
export interface UpgradeHost {
  readonly state: StateHost;
  readonly log: Log;
  now(): Date;
  pause(seconds: number): Promise<void>;
  /** Of this boot. */
  bootId(): Promise<string>;
  /** Whether a person is waited for. */
  isLatched(): Promise<boolean>;
  /** Whether a person, or a shutdown, wants it to end. */
  isStopping(): boolean;
  /** @throws where the engine does not answer */
  view(): Promise<EngineView>;
  probe(): Promise<EngineProbe[]>;
  /**
   * Has all packages of one side of some changes on the disk, checked, in the transaction's directory.
   *
   * @throws {OperatorError} naming one that nobody has any more
   */
  fetch(id: string, changes: readonly PackageChange[], side: Side): Promise<void>;
  /** What the package manager would do with the packages that are kept. */
  simulate(id: string, changes: readonly PackageChange[], side: Side): Promise<PackageChange[]>;
  /**
   * Installs the packages that are kept; no service is started or restarted by that. Goes on when we are killed.
   *
   * @throws {CommandError} with what the package manager said
   */
  install(id: string, changes: readonly PackageChange[], side: Side): Promise<void>;
  /** Waits until no installation of ours is under way. @throws after two hours */
  installed(): Promise<void>;
  /** Whether all packages of a side are installed, and whole. */
  isInstalled(changes: readonly PackageChange[], side: Side): Promise<boolean>;
  /** Which of these packages are held: by a person, or since an upgrade before. */
  held(names: readonly string[]): Promise<string[]>;
  /** Keeps others from upgrading these packages. */
  hold(names: readonly string[]): Promise<void>;
  /** Takes that back. */
  unhold(names: readonly string[]): Promise<void>;
  /** Keeps the configuration and the small state of the engine in the transaction's directory. */
  snapshot(id: string): Promise<void>;
  /**
   * Puts the configuration back as it was kept.
   *
   * @param isLiveRestoreOurs but with live-restore: without it, a dockerd that starts ends what runs
   */
  restoreConfig(id: string, isLiveRestoreOurs: boolean): Promise<void>;
  /** Has containers go on while dockerd restarts; false where that cannot be had. */
  switchLiveRestoreOn(id: string): Promise<boolean>;
  /**
   * Takes that back: without a restart, and with the configuration as it was kept, unless somebody else wrote it.
   *
   * @returns what a person has to know, and type, where it is on still, or again soon; undefined where it is off
   */
  switchLiveRestoreOff(id: string): Promise<string | undefined>;
  /** What dockerd, as it is on the disk now, says of its configuration; undefined where that is well. */
  configProblem(): Promise<string | undefined>;
  /**
   * Restarts what changed, containerd first: with live-restore what runs goes on; without, it is stopped before, while
   * the containerd that has started it is still there.
   *
   * @throws {CommandError} when a daemon does not start in time
   */
  restart(changes: readonly PackageChange[]): Promise<void>;
  /** Stops containers, each in its own time. */
  stopContainers(ids: readonly string[]): Promise<void>;
  /**
   * Starts those of these that have ended; what of them does not start, and why.
   *
   * @param areJobsToo also what is not to be restarted and has ended well: we have ended it ourselves
   */
  startEnded(ids: readonly string[], areJobsToo: boolean): Promise<readonly string[]>;
  /** Climbs the ladder of `engine repair`; what is still wrong after it. */
  repair(): Promise<readonly string[]>;
  /** From here on nothing is changed until a person has acknowledged it. */
  latch(reason: string): Promise<void>;
  /** Removes kept packages that are of no use any more. */
  forget(keptIds: readonly string[]): Promise<void>;
}
