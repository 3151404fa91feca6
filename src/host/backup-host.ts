import type { FrozenIds } from '../argv/systemd-run.ts';
import type { BackupScope } from '../core/backup-scope.ts';
import type { ComposeModel } from '../core/compose-model.ts';
import type { Look } from './backup-changes.ts';
import type { Dump } from '../core/dump.ts';
import type { ReleaseImages, SavedImage } from '../core/saved-images.ts';
import type { Part } from '../core/verification.ts';

/** What a backup says of itself; written last, so its presence means the backup is whole. */
export interface BackupManifest {
  /** 1: only the work tree, without digests. */
  readonly schema: 1 | 2;
  readonly name: string;
  readonly createdAt: string;
  readonly commit: string;
  readonly project: string;
  /** Where in the backup the project directory is. */
  readonly projectPath: string;
  readonly sizeBytes: number;
  readonly files: number;
  /** Image IDs by service. */
  readonly images: Readonly<Record<string, string>>;
  /** What registries give the same images back for, by service. */
  readonly imageDigests?: Readonly<Record<string, readonly string[]>>;
  /** The images that are in it; they are part of its size. */
  readonly savedImages?: readonly SavedImage[];
  readonly seconds: number;
  /** The volumes in it, by Docker's names. */
  readonly volumes?: readonly string[];
  readonly leftOut?: BackupScope['leftOut'];
  /** How long writers were kept from writing, and by what; absent where nobody was. */
  readonly frozen?: FrozenFacts | undefined;
  /** SHA-256 of manifest.mtree, which has one of every file. */
  readonly mtreeDigest?: string;
}

/** How long the writers of the cluster were kept from writing. */
export interface FrozenFacts {
  readonly seconds: number;
  /** Services. */
  readonly paused: readonly string[];
  readonly stopped: readonly string[];
}

/** A directory that is copied into a backup. */
export interface BackupSource {
  readonly path: string;
  /** Where in the backup it is; empty for the work tree, which lies at its top. */
  readonly place: string;
  /** Patterns as rsync has them; with a slash at the front anchored at `path`. */
  readonly excluded: readonly string[];
}

/** The backup that another was begun with. */
export interface BaseOfDraft {
  readonly name: string;
  /** When nothing of it had been written to yet; ISO 8601, UTC. */
  readonly at: string;
  /** By how much the time of day was ahead of a clock that nobody sets, then. */
  readonly aheadMs: number;
  /** Since when its files may be other than its manifest has them, in milliseconds since 1970; undefined: all may. */
  readonly sinceMs: number | undefined;
}

/** A backup that is being made; no backup yet. */
export interface BackupDraft {
  readonly name: string;
  /** Hidden, beside the backups. */
  readonly directory: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly sources: readonly BackupSource[];
  /** How the sources were when it was begun, by their paths. */
  readonly looks: ReadonlyMap<string, Look>;
  readonly sizeBytes: number;
  readonly files: number;
  /** The backup whose files it was begun with; they are as old as the digests known of them. */
  readonly base: BaseOfDraft | undefined;
}

/** What the cluster ran on. Empty where it does not say. */
export interface EngineVersions {
  readonly dockerd: string;
  readonly containerd: string;
  readonly runc: string;
  readonly compose: string;
  readonly storageDriver: string;
  readonly rootDirectory: string;
}

/** What is known of a backup when its files are there. */
export interface BackupFacts {
  readonly commit: string;
  readonly images: Readonly<Record<string, string>>;
  readonly releaseImages: ReleaseImages;
  readonly scope: BackupScope;
  readonly frozen: FrozenFacts | undefined;
  readonly model: ComposeModel;
}

/** What a sample has read, and how the backup differs from its manifest, one line each. */
export interface SampleRead {
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly string[];
}

export interface BackupHost {
  /** The work tree, as a source; volumes are the engine's. */
  readonly workTree: BackupSource;
  /**
   * Begins a backup: with the files of the newest one where the disk can share their blocks, with those
   * of one that would be removed next, or empty.
   *
   * @param keep how many backups there may be in all
   * @param inUse directories that containers have mounted: none of them is touched
   * @param images those that will be saved in it
   * @throws {RefusedError} when the disk has no room for it; nothing is written then.
   */
  begin(
    name: string,
    sources: readonly BackupSource[],
    keep: number,
    inUse: readonly string[],
    images: readonly SavedImage[],
  ): Promise<BackupDraft>;
  /** Saves images that no registry can give back; a file that the draft was begun with is kept. */
  saveImages(draft: BackupDraft, images: readonly SavedImage[]): Promise<void>;
  /** Keeps how the engine is configured, and what is installed of it. */
  keepEngine(draft: BackupDraft, versions: EngineVersions): Promise<void>;
  /** Makes the files of a draft what its sources are now. */
  copy(draft: BackupDraft, withinSeconds: number): Promise<void>;
  /** The same again, by what changed since: takes as long as there is of that, however much there is in all. */
  copyChanged(draft: BackupDraft, withinSeconds: number): Promise<void>;
  /** Whatever was written to since the draft was begun is copied again, even if it looks the same. */
  distrust(draft: BackupDraft): Promise<void>;
  /** Runs a dump in its container; what it prints is a file of the backup. */
  dump(draft: BackupDraft, dump: Dump): Promise<void>;
  /** Takes the digests, writes the manifest last, then points `latest` at the backup. */
  finish(draft: BackupDraft, facts: BackupFacts, inUse: readonly string[]): Promise<BackupManifest>;
  /** What a backup made now would need on its disk, with the reserve. */
  neededBytes(sources: readonly BackupSource[], images: readonly SavedImage[]): Promise<number>;
  /** Whole backups, newest first. */
  list(): Promise<BackupManifest[]>;
  /** How the files of a backup differ from its manifest, one line each. */
  verify(manifest: BackupManifest): Promise<string[]>;
  /**
   * The same, reading only a part of the files.
   *
   * @throws {OperatorError} when that takes longer than `timeouts.backup_seconds`
   */
  sample(manifest: BackupManifest, part: Part): Promise<SampleRead>;
  /**
   * Lays a backup out beside the others, under a hidden name that `sweep` removes.
   *
   * @throws {RefusedError} when the disk has no room for it
   */
  layOut(
    manifest: BackupManifest,
  ): Promise<{ readonly directory: string; readonly problems: readonly string[] }>;
  /** What docker compose had made of the release. */
  readModel(manifest: BackupManifest): Promise<ComposeModel>;
  /** Where the work tree is in a backup that lies in a directory. */
  treeIn(directory: string): string;
  /** Lays its files into an empty directory; the answer is as that of `verify`. */
  restore(manifest: BackupManifest, target: string): Promise<string[]>;
  /** Removes what an interrupted `begin` or `copy` left under this name. */
  removePartial(name: string): Promise<void>;
  /** Removes what any interrupted copy or removal left; only while none is under way. */
  sweep(): Promise<void>;
  /**
   * Keeps the newest `keep` that are not known to be damaged; never removes the one `latest` points to, nor
   * one that is in use.
   */
  prune(keep: number, inUse: readonly string[]): Promise<string[]>;
}

/** Lets the cluster go on when we cannot any more: it waits for our end in a process of its own. */
export interface FreezeGuard {
  arm(frozen: FrozenIds, withinSeconds: number): Promise<void>;
  disarm(): Promise<void>;
}
