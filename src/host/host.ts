import type { UpOptions } from '../argv/compose.ts';
import type { Volume } from '../core/backup-scope.ts';
import type { ComposeModel } from '../core/compose-model.ts';
import type { ContainerEvent } from '../core/downtime.ts';
import type { ProbeResult } from '../core/health.ts';
import type { ImageQuestion, Look } from '../core/image-look.ts';
import type { Container, Startup } from '../core/observe.ts';
import type { EngineFacts, RemoteImage } from '../core/preflight.ts';
import type { ImageFacts } from '../core/saved-images.ts';
import type { HostContainer } from '../core/watchtower.ts';
import type { BackupHost, EngineVersions, FreezeGuard } from './backup-host.ts';
import type { HistoryHost } from './history-host.ts';
import type { Log } from './log.ts';
import type { SwapHost } from './swap-host.ts';

/**
 * Everything the program may ask of the machine. The real one is create-host.ts; the one in
 * test/support can cut the power at any write.
 */
export interface Host {
  readonly git: GitHost;
  readonly compose: ComposeHost;
  readonly engine: EngineHost;
  readonly registries: RegistryHost;
  readonly backups: BackupHost;
  readonly swaps: SwapHost;
  readonly freezeGuard: FreezeGuard;
  readonly towerGuard: TowerGuard;
  /** Undefined where none is configured. */
  readonly history: HistoryHost | undefined;
  readonly state: StateHost;
  readonly log: Log;
  /** @param secrets values that are not shown */
  probe(url: string, secrets?: readonly string[]): Promise<ProbeResult>;
  /** Whether a host port can be had: false where something listens on it. */
  portIsFree(port: number, protocol: string): Promise<boolean>;
  /** Whether a path of this host is there, links followed. */
  exists(path: string): Promise<boolean>;
  /** The disk that a path is on; undefined where the path is not there, or cannot be seen. */
  disk(path: string): Promise<{ device: number; freeBytes: number } | undefined>;
  /** Everything written so far is on the disk: the state, the work tree, Docker's store. */
  barrier(): Promise<void>;
  now(): Date;
  /** From 0 to 1. */
  random(): number;
  /** Seconds since some moment, for measuring: whatever is done to the clock does not touch it. */
  elapsedSeconds(): number;
  /** @throws {InterruptedError} when a signal asked us to stop. */
  sleep(seconds: number): Promise<void>;
  /** Tells systemd and the terminal what is going on; each call is proof of progress. */
  progress(status: string, fraction?: number): void;
  /** Has people told now that something has begun, beside what is done; nothing waits for it, or depends on it. */
  announce(): void;
  /** From here on a stop signal no longer interrupts commands: a rollback must be finished. */
  shieldFromSignals(): void;
  /** The rollback, or the commit, is over: a stop is obeyed again. */
  obeySignals(): void;
  /** The name of the signal that asked us to stop, if one did. */
  interruptedBy(): string | undefined;
  /** Whether a stop was asked for and is not shielded against. */
  isStopping(): boolean;
}

/** The registries of images, asked without pulling. */
export interface RegistryHost {
  /**
   * Asks what each image is now. One that did not move costs one request, however many services have it. What was
   * learned is kept in the state directory; nothing else is changed.
   */
  look(questions: readonly ImageQuestion[]): Promise<Look>;
}

/** Has somebody see to what we leave behind when we are killed: a process of its own waits for our end. */
export interface TowerGuard {
  arm(): Promise<void>;
  disarm(): Promise<void>;
}

/** A release's complete tree outside the live place. */
export interface Staging {
  readonly commit: string;
  /** Where the work tree's root is in the staging area. */
  readonly directory: string;
  /** What stands for `/` there: `directory` is this and the live path. */
  readonly root: string;
}

export interface GitHost {
  /** The work tree that is followed. */
  readonly directory: string;
  /** The commit the deploy branch has at the remote. Talks to the network. */
  tip(): Promise<string>;
  /** Fetches the deploy branch into a private ref, and returns its commit. */
  fetch(): Promise<string>;
  /** Fetches the submodules of a commit, however deep, so that a checkout needs no network. */
  fetchSubmodules(commit: string): Promise<void>;
  head(): Promise<{ readonly commit: string; readonly branch: string | undefined }>;
  /** The full commit for a name a person typed, or undefined. */
  resolve(name: string): Promise<string | undefined>;
  subject(commit: string): Promise<string>;
  isAncestor(ancestor: string, descendant: string): Promise<boolean>;
  /** Tracked files that differ from HEAD, in submodules too; relative to the work tree. */
  dirtyFiles(): Promise<string[]>;
  /** Locks in the repository that a git which may still run holds. */
  locks(): Promise<string[]>;
  /** Untracked files of the live tree that a checkout of this commit would overwrite. */
  untrackedInTheWay(commit: string): Promise<string[]>;
  changedPaths(from: string, to: string): Promise<string[]>;
  /** Names what is in these files and directories of a commit, and which commit each submodule is at. */
  contentIds(commit: string, paths: readonly string[]): Promise<string>;
  /** The files and submodules of a commit, relative to the work tree. */
  trackedPaths(commit: string): Promise<string[]>;
  /** Lays the tree of a commit, submodules included, beside the live one. */
  stage(commit: string): Promise<Staging>;
  dropStagings(): Promise<void>;
  /** Brings the work tree and its submodules to a commit, on the deploy branch; offline. */
  checkout(commit: string): Promise<void>;
  /** The same from wherever a checkout of `leaving` was cut off; leaves nothing of it behind. */
  checkoutBack(commit: string, leaving: string): Promise<void>;
}

/** What docker compose makes of a tree. */
export interface Resolved {
  readonly model: ComposeModel;
  /** What compose warned of, such as variables that are not set. */
  readonly warnings: readonly string[];
  /** The variables that are not set and have no default. */
  readonly unset: readonly string[];
}

export interface ComposeHost {
  version(): Promise<string>;
  /** Resolves a staged release as if it lay at the live place. */
  resolve(staging: Staging): Promise<Resolved>;
  /** The names of all services of a staged release, those of inactive profiles too. */
  allServices(staging: Staging): Promise<readonly string[]>;
  /** The configuration hash compose would give each service of a model. */
  hashes(model: ComposeModel): Promise<Readonly<Record<string, string>>>;
  /** Has the live tree applied as this model from now on; undefined: as its own files say. Outlives us. */
  pin(model: ComposeModel | undefined): Promise<void>;
  /** Applies the live tree. */
  up(options: UpOptions): Promise<void>;
  /** Starts the containers of services as they are. */
  start(services: readonly string[]): Promise<void>;
  /** Stops and starts the containers of services as they are. */
  restart(services: readonly string[]): Promise<void>;
  /** Stops and removes the containers and networks of a model. Never its volumes. */
  down(model: ComposeModel): Promise<void>;
  /** Builds images of a staged release, whose model this is. */
  build(staging: Staging, model: ComposeModel, services: readonly string[]): Promise<void>;
  /** Brings a model up as a project of its own, by its name. */
  upBeside(model: ComposeModel): Promise<void>;
  /** Takes away the containers and networks of a project that `upBeside` made. */
  downBeside(project: string): Promise<void>;
  /** The shell commands a person would type for the same. */
  recipe(): string;
}

/** Whoever began it has to stop it. */
export interface ContainerWatch {
  /** Ends it. What was heard; undefined where Docker was not heard all the time. */
  stop(): Promise<readonly ContainerEvent[] | undefined>;
}

export interface EngineHost {
  /** @throws when Docker does not answer. */
  version(): Promise<string>;
  /** Waits for Docker and its containerd to answer, for at most this long. */
  waitUntilUp(withinSeconds: number): Promise<boolean>;
  /**
   * Tells one life of Docker and its containerd from the next: another text after either was restarted.
   * Empty where systemd does not run them.
   */
  incarnation(): Promise<string>;
  /** When Docker was started last, until it said that it is ready; undefined where systemd does not run it. */
  startup(): Promise<Startup | 'under way' | undefined>;
  /** Restarts Docker, and waits until it answers. Without live-restore every container is stopped. */
  restart(): Promise<void>;
  /** Of the cluster, unless another project is named. */
  containers(project?: string): Promise<Container[]>;
  /** Of this host, whichever project they are of, as they are. */
  hostContainers(): Promise<HostContainer[]>;
  /** Listens to what becomes of the cluster's containers, from now on. */
  watchContainers(): ContainerWatch;
  /** Whether a container that runs, of whichever project, publishes this port. */
  isPublished(port: number): Promise<boolean>;
  imageId(reference: string): Promise<string | undefined>;
  /** Undefined where it is not on this host. */
  imageFacts(image: string): Promise<ImageFacts | undefined>;
  /** Brings images back from a file that `docker image save` wrote. */
  loadImage(file: string): Promise<void>;
  /** The paths an image declares as VOLUME; undefined where it is not on this host. */
  imageVolumes(image: string): Promise<readonly string[] | undefined>;
  tag(image: string, reference: string): Promise<void>;
  /** Removes tags of ours that are not among these. */
  dropKeptTags(keep: readonly string[]): Promise<void>;
  pull(reference: string): Promise<void>;
  /** What the registry of an image says of it. */
  remoteImage(reference: string, facts: EngineFacts): Promise<RemoteImage>;
  facts(): Promise<EngineFacts>;
  /** What is installed of it; without docker compose, which is no part of it. */
  versions(): Promise<Omit<EngineVersions, 'compose'>>;
  /** SHA-256 of a file in a container, which need not run; undefined where it cannot be had. */
  fileDigest(container: Container, path: string): Promise<string | undefined>;
  /** Whether a network or a volume of this name is there. */
  exists(kind: 'network' | 'volume', name: string): Promise<boolean>;
  /** Stops a container as gently as it asks for. */
  stop(container: Pick<Container, 'id' | 'name'>): Promise<void>;
  /** Sends a signal (`HUP`) to a container's process. */
  kill(container: Container, signal: string): Promise<void>;
  /** Every volume there is. */
  volumes(): Promise<readonly Volume[]>;
  /** Makes a volume of the local driver, unless it is there. Returns the directory of its data. */
  createVolume(name: string, labels: Readonly<Record<string, string>>): Promise<string>;
  /** Removes a volume that nobody uses. */
  removeVolume(name: string): Promise<void>;
  /** The paths of this host that containers have mounted, of whichever project, running or not. */
  mountedPaths(): Promise<readonly string[]>;
  /** Keeps a container from running, as it is. */
  pause(container: Pick<Container, 'id' | 'name'>): Promise<void>;
  /** Runs a command in the shell of a container that runs. @throws when it fails, with what it printed */
  execute(container: Container, script: string): Promise<void>;
  /** Lets a paused container go on. */
  unpause(container: Pick<Container, 'id' | 'name'>): Promise<void>;
  /** Removes the name of an image, and the image if that was its last and nobody uses it. */
  dropImage(reference: string): Promise<void>;
  /** Removes a container, never its volumes. */
  remove(container: Container): Promise<void>;
  rename(container: Container, name: string): Promise<void>;
}

/** Small durable files of ours. Names are paths below the state directory. */
export interface StateHost {
  read(name: string): Promise<string | undefined>;
  /** Replaces a file whole: temporary file, fsync, rename, fsync of the directory. */
  write(name: string, text: string): Promise<void>;
  /** The same with one line, and a checksum: `lines` leaves it out when it was damaged. */
  writeLine(name: string, line: string): Promise<void>;
  /** Keeps room on the disk, so that a full one cannot stop what is written from here on. */
  reserve(): Promise<void>;
  /** Gives that room to whoever needs it: the way back has come. */
  useReserve(): Promise<void>;
  /** Appends one line and has it on the disk before it returns. */
  append(name: string, line: string): Promise<void>;
  /** The whole lines of a file; a torn or damaged tail is left out. */
  lines(name: string): Promise<string[]>;
  remove(name: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  removeDirectory(directory: string): Promise<void>;
}
