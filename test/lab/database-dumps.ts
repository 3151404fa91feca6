import { randomUUID } from 'node:crypto';
import { labFile } from './base-image.ts';
import type { DatabaseVerdict } from './database-checks.ts';
import { databaseImage, type DatabaseKind } from './database-images.ts';
import type { LabHost } from './lab-host.ts';

/** What each database says in the label for its dump; of SQLite, which has two, the one that locks out who reads. */
export const dumpRecipes: Record<DatabaseKind, string> = {
  postgres: 'postgres',
  mariadb: 'mariadb',
  redis: 'redis',
  sqlite: 'sqlite:/var/lib/sqlite/journal.db',
};

/** The file of each in `dumps/` of a backup. */
export const dumpFiles: Record<DatabaseKind, string> = {
  postgres: 'postgres.sql',
  mariadb: 'mariadb.sql',
  redis: 'redis.rdb',
  sqlite: 'sqlite.sql',
};

/** Initialising a database and loading a dump, on a machine that is busy. */
const LOAD_SECONDS = 120;

/** Loads a dump into a fresh database, in a container without a network, and judges what is in it then. */
export async function checkDump(
  host: LabHost,
  kind: DatabaseKind,
  file: string,
): Promise<DatabaseVerdict> {
  const name = `load-${kind}-${randomUUID().slice(0, 8)}`;
  const run = ['run', '--rm', '--interactive', '--network=none', `--name=${name}`];
  const mounts = ['--tmpfs=/private', `--mount=type=bind,source=${file},target=/dump,readonly`];
  const script = ['--entrypoint=python3', databaseImage(kind), '-', kind, '/dump'];
  const { exitCode, stdout, stderr } = await host.run('docker', [...run, ...mounts, ...script], {
    input: labFile('load-dump.py'),
    timeoutSeconds: LOAD_SECONDS,
  });
  if (exitCode !== 0) {
    await host.run('docker', ['rm', '--force', name]);
    throw new Error(`${host.name}: loading ${file} failed with ${exitCode}\n${stderr}`);
  }
  return JSON.parse(stdout) as DatabaseVerdict;
}
