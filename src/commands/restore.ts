import { resolve } from 'node:path';
import type { Invocation } from '../cli.ts';
import { megabytes } from '../core/megabytes.ts';
import { RefusedError, UsageError } from '../errors.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findBackup, noHistory } from './backup.ts';
import { openContext, openDoor, withLock } from './context.ts';

/** `restore [BACKUP] --to DIR`: the files of a backup, beside the cluster. */
export async function run(invocation: Invocation): Promise<ExitCode> {
  const to = invocation.flags['to'];
  if (typeof to !== 'string' || to === '') {
    throw new UsageError(
      'restore needs --to DIR: where the files of the backup are to be laid',
      'orchestrator-update restore --to /var/tmp/restored; the release itself: orchestrator-update rollback --to BACKUP',
    );
  }
  const target = resolve(to);
  return withLock(invocation, async () => {
    const { host, statusLine, log } = await openContext(
      invocation,
      openDoor(invocation.environment),
    );
    try {
      const snapshot = invocation.flags['snapshot'];
      if (typeof snapshot === 'string') {
        if (host.history === undefined) throw noHistory();
        await host.history.restore(snapshot, target);
        statusLine.clear();
        const json = { snapshot, directory: target };
        const text = `${snapshot} is in ${target}; orchestrator-update backup verify does not know it: its RESTORE.md says how to go on`;
        process.stdout.write(`${invocation.json ? JSON.stringify(json, undefined, 2) : text}\n`);
        return exitCodes.done;
      }
      const manifest = await findBackup(host, invocation.positionals[0]);
      const problems = await host.backups.restore(manifest, target);
      statusLine.clear();
      if (problems.length > 0) {
        throw new RefusedError(
          `${target} is not what was backed up: ${problems.join('; ')}`,
          `orchestrator-update backup verify ${manifest.name}`,
        );
      }
      const { name, sizeBytes, files } = manifest;
      const text = `${name} is in ${target}, every file compared: ${files} entries, ${megabytes(sizeBytes)}`;
      const json = { backup: name, directory: target };
      process.stdout.write(`${invocation.json ? JSON.stringify(json, undefined, 2) : text}\n`);
      return exitCodes.done;
    } finally {
      statusLine.clear();
      await log.flush();
    }
  });
}
