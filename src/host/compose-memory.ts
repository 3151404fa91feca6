import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const remembered = z.object({ compose: z.string(), value: z.unknown() });

/**
 * What a file of the cache says of docker compose, if that is still the same program. Nothing of it is
 * state: without it, compose is asked.
 */
export async function recall<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    const { compose, value } = remembered.parse(JSON.parse(await readFile(file, 'utf8')));
    return compose === (await composeProgram()) ? schema.parse(value) : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody waits for it to be on the disk, and nothing fails without it. */
export async function remember(file: string, value: unknown): Promise<void> {
  const compose = await composeProgram();
  // One that lies where nobody looks could be another one tomorrow.
  if (compose === undefined) return;
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, JSON.stringify({ compose, value }), { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true });
  }
}

/** Where Docker's command line looks for its plugins on a host. */
const PLUGIN_DIRECTORIES = [
  '/root/.docker/cli-plugins',
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
];

/** What `docker compose` is on this host, and which build of it: a new one works in its own way. */
async function composeProgram(): Promise<string | undefined> {
  const configured = process.env['DOCKER_CONFIG'];
  const directories = [
    ...(configured === undefined ? [] : [join(configured, 'cli-plugins')]),
    ...PLUGIN_DIRECTORIES,
  ];
  const found = await Promise.all(
    directories.map(async (directory) => {
      const path = join(directory, 'docker-compose');
      const facts = await stat(path).catch(() => undefined);
      if (facts === undefined) return [];
      return [[path, facts.size, facts.mtimeMs, facts.ctimeMs, facts.ino].join(':')];
    }),
  );
  return found.flat().length > 0 ? found.flat().join(' ') : undefined;
}
