import { findAll } from '../argv/files.ts';
import { lookedAt, type Size } from '../core/sizes.ts';
import type { BackupSource } from './backup-host.ts';
import type { BackupContext } from './backup-layout.ts';
import { LANES } from './backup-copy.ts';
import { exec } from './exec.ts';

/** What there is to be backed up. What vanishes meanwhile need not be. */
export async function measure(
  context: BackupContext,
  sources: readonly BackupSource[],
): Promise<Size> {
  context.onProgress('measuring what is to be backed up');
  const { backup_seconds: timeoutSeconds } = context.config.timeouts;
  const options = { timeoutSeconds, accept: [1], encoding: 'latin1' as const };
  const sizes: Size[] = [];
  for (const { path, excluded } of sources) {
    const { stdout } = await exec(findAll(path, excluded, context.now().getTime() / 1000), options);
    sizes.push(lookedAt(stdout).size);
  }
  return sumOf(sizes);
}

/** Of sources that are copied at the same time, each may be at its largest file. */
export function sumOf(sizes: readonly Size[]): Size {
  const largest = sizes
    .map(({ largestBytes }) => largestBytes)
    .toSorted((left, right) => right - left)
    .slice(0, LANES);
  return {
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    entries: sizes.reduce((sum, { entries }) => sum + entries, 0),
    largestBytes: largest.reduce((sum, bytes) => sum + bytes, 0),
  };
}
