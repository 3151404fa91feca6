import type { Swap } from '../core/swap.ts';
import type { BackupManifest } from './backup-host.ts';

/** Data of the cluster that is put in the place of other data, without either being lost. */
export interface SwapHost {
  /** Tells one directory from any other on its filesystem, wherever it is moved; undefined where there is none. */
  identity(directory: string): Promise<string | undefined>;
  /** Makes an empty directory beside another; one that is there stays. @throws when it is no directory */
  make(directory: string): Promise<void>;
  /**
   * Lays data of a backup into a directory of ours and compares it with the manifest.
   *
   * @throws {RefusedError} when it is not what was backed up, or cannot be put in the place of the live data
   */
  fill(manifest: BackupManifest, swap: Swap): Promise<void>;
  /** Two directories change places at once, or not at all; on the disk when it returns. */
  exchange(swap: Swap): Promise<void>;
  /** Removes a directory that `make` made. */
  remove(directory: string): Promise<void>;
  /** Whether a backup has something at a place. */
  isIn(manifest: BackupManifest, place: string): Promise<boolean>;
  /** Where in a backup a path below the work tree is. */
  placeOf(path: string): string;
}
