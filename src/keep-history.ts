import { z } from 'zod';
import type { Config } from './config/schema.ts';
import type { HistoryRecord } from './core/history.ts';
import { megabytes } from './core/megabytes.ts';
import { messageOf } from './errors.ts';
import type { BackupManifest } from './host/backup-host.ts';
import type { HistoryHost } from './host/history-host.ts';
import type { Host } from './host/host.ts';
import { raiseIfPossible } from './notices.ts';
import { files } from './state-names.ts';
import { isAnybodyTold } from './watch-config.ts';

const recordSchema = z.object({
  repository: z.string().optional(),
  snapshot: z.string().optional(),
  prunedAt: z.string().optional(),
  checkedAt: z.string().optional(),
});

/**
 * Adds a backup to the history, and removes and checks there what is due. Nobody is frozen any more.
 *
 * @throws when that fails, where `backup.history.required` says so
 */
export async function keepHistory(
  host: Host,
  config: Config,
  manifest: BackupManifest,
): Promise<void> {
  const { history } = host;
  if (history === undefined) return;
  try {
    await add(host, history, `${config.backups_dir}/${manifest.name}`, manifest);
  } catch (error) {
    if (config.backup.history.required || host.interruptedBy() !== undefined) throw error;
    const summary = `the history of backups could not be kept: ${messageOf(error)}`;
    host.log.warn(summary);
    const at = host.now().toISOString();
    const next = 'orchestrator-update doctor';
    const draft = {
      event: 'backup-failed',
      about: 'history of backups',
      at,
      summary,
      next,
    } as const;
    if (await isAnybodyTold(host.state, config.notify.targets))
      await raiseIfPossible(host.state, { kind: 'draft', draft });
  }
}

async function add(
  host: Host,
  history: HistoryHost,
  directory: string,
  { name, commit, createdAt }: BackupManifest,
): Promise<void> {
  const facts = { name, commit, at: new Date(createdAt) };
  const added = await history.add(directory, facts, await readRecord(host));
  await writeRecord(host, added.record);
  const { snapshot, addedBytes, seconds, isNew } = added;
  host.log.info(
    `in the history as ${snapshot}: ${megabytes(addedBytes)} more, in ${seconds.toFixed(1)} s`,
  );
  if (isNew) {
    host.log.warn(
      'the history of backups was begun: keep its password elsewhere, too; without it nothing of it can be read',
    );
  }
  await writeRecord(host, await history.forget(await readRecord(host)));
  await writeRecord(host, await history.check(await readRecord(host)));
}

/** What cannot be read is as if nothing had been done yet. */
async function readRecord(host: Host): Promise<HistoryRecord> {
  try {
    const read = recordSchema.parse(JSON.parse((await host.state.read(files.history)) ?? '{}'));
    return JSON.parse(JSON.stringify(read)) as HistoryRecord;
  } catch {
    return {};
  }
}

async function writeRecord(host: Host, record: HistoryRecord): Promise<void> {
  await host.state.write(files.history, `${JSON.stringify(record)}\n`);
}
