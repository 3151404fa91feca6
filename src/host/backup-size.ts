import { listSizes } from '../argv/files.ts';
import { sizesIn, type Size } from '../core/sizes.ts';
import type { BackupSource } from './backup-host.ts';
import type { BackupContext } from './backup-layout.ts';
import { exec } from './exec.ts';

/** What there is to be backed up. What vanishes meanwhile need not be. */
export async function measure(
  context: BackupContext,
  sources: readonly BackupSource[],
): Promise<Size> {
  context.onProgress('measuring what is to be backed up');
  let [bytes, entries] = [0, 0];
  for (const source of sources) {
    const size = await sizeOf(context, source);
    bytes += size.bytes;
    entries += size.entries;
  }
  return { bytes, entries };
}

async function sizeOf(
  { config, watch }: BackupContext,
  { path, excluded }: BackupSource,
): Promise<Size> {
  const { started } = watch;
  const options = { timeoutSeconds: config.timeouts.backup_seconds, accept: [1] };
  const all = { ...options, watch: { started, line: () => {} } };
  return sizesIn((await exec(listSizes(path, excluded), all)).stdout);
}
