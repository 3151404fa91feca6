import { randomUUID } from 'node:crypto';
import { databaseImage, type DatabaseKind } from './database-images.ts';
import type { LabHost } from './lab-host.ts';

/** What a copy of a database's files is worth. */
export type DatabaseVerdict = {
  /** The database starts from it, its own tools find nothing wrong, and the bank in it is whole. */
  consistent: boolean;
  /** What is wrong; of SQLite, which has two databases, `journal.db: …; wal.db: …`. */
  problem?: string;
  /** Transactions the bank had committed; 0 when nothing could be read. */
  transactions: number;
};

/** More than any of the databases needs to start, and to say no. */
const CHECK_SECONDS = 90;

/**
 * Judges a copy of a database's volume: a directory on the host, whose own attributes count too. The database runs on a
 * copy of that copy, in memory, in a container without a network: nothing is left, and the directory is not touched.
 */
export async function checkDatabase(
  host: LabHost,
  kind: DatabaseKind,
  directory: string,
): Promise<DatabaseVerdict> {
  const name = `check-${kind}-${randomUUID().slice(0, 8)}`;
  const run = ['run', '--rm', '--network=none', `--name=${name}`, '--tmpfs=/private'];
  const mount = `--mount=type=bind,source=${directory},target=/copy,readonly`;
  const args = [...run, mount, databaseImage(kind), 'check', '/copy', '/private/copy'];
  const { exitCode, stdout, stderr } = await host.run('docker', args, {
    timeoutSeconds: CHECK_SECONDS,
  });
  if (exitCode !== 0) {
    await host.run('docker', ['rm', '--force', name]);
    throw new Error(`${host.name}: the check of ${directory} failed with ${exitCode}\n${stderr}`);
  }
  const verdict: DatabaseVerdict = JSON.parse(stdout);
  return verdict;
}
