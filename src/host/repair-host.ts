import type { EngineDiagnosis } from '../core/engine-diagnosis.ts';
import type { ClusterLook } from '../core/lost-volumes.ts';
import type { RungName } from '../core/engine-rungs.ts';
import type { StateHost } from './host.ts';
import type { Log } from './log.ts';

/** What may be asked of the machine while its engine is mended: none of it needs a Docker that works. */
export interface RepairHost {
  readonly state: StateHost;
  readonly log: Log;
  now(): Date;
  diagnose(): Promise<EngineDiagnosis>;
  /** The containers that run; of an engine that does not answer, by what runs on the host. */
  runningContainers(): Promise<readonly string[]>;
  /** @throws what did not work */
  take(rung: RungName): Promise<void>;
  pause(seconds: number): Promise<void>;
  /** Whether a person, or a shutdown, wants it to end. What is begun is finished. */
  isStopping(): boolean;
  /** Waits, for minutes, until a start of Docker that is under way, as at boot, is over. */
  untilStarted(): Promise<void>;
  /** Waits until the engine answers and what it starts by itself has started, for a while. */
  settle(): Promise<void>;
  /** Starts those of these containers that are there and do not run; what of them does not start, and why. */
  startEnded(ids: readonly string[]): Promise<readonly string[]>;
  /** Writes what a person needs to see into one file; its path. */
  collectEvidence(): Promise<string>;
  /** From here on nothing is changed until a person has acknowledged it; what a person was told before stays. */
  latch(reason: string): Promise<void>;
}

/** The cluster of an engine that is being mended. Each of these @throws what did not work. */
export interface RepairCluster {
  /** Why it must be left as it is; undefined where nothing of it is under way, and its work tree is what was deployed. */
  hindrance(): Promise<string | undefined>;
  /** What Docker, which answers, knows of it. */
  look(): Promise<ClusterLook>;
  /** Makes its containers and networks anew. */
  recreate(): Promise<void>;
  /** Brings it up where there is nothing of it but its volumes, with its images; it is healthy after that. */
  bringUp(): Promise<void>;
  /** The same where its volumes are gone, too: with the data of the newest good backup. */
  restore(): Promise<void>;
  /** Makes anew what Docker has lost of it, unless something speaks against it; false where that failed. */
  complete(): Promise<boolean>;
}
