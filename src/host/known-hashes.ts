import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.ts';
import { onlyServices, type ComposeModel } from '../core/compose-model.ts';

type Hashes = Readonly<Record<string, string>>;

/** Hashes by what they were made of, and the compose that made them. */
const schema = z.object({ compose: z.string(), hashes: z.record(z.string(), z.string()) });
type Known = z.infer<typeof schema>;

/** More than two releases of any project have; those used last are kept. */
const MAX_KNOWN = 4000;

/** Where Docker's command line looks for its plugins on a host. */
const PLUGIN_DIRECTORIES = [
  '/root/.docker/cli-plugins',
  '/usr/local/lib/docker/cli-plugins',
  '/usr/local/libexec/docker/cli-plugins',
  '/usr/lib/docker/cli-plugins',
  '/usr/libexec/docker/cli-plugins',
];

/**
 * Asks only for hashes that are not known from before. Compose makes the hash of a service from its
 * definition alone, so the same definition has the same hash for as long as compose is the same
 * program; to be asked for 200 hashes takes it as long as to resolve the project. What is remembered
 * is no state: without it, everything is asked for.
 */
export async function rememberHashes(
  cacheDirectory: string,
  model: ComposeModel,
  ask: (model: ComposeModel) => Promise<Hashes>,
): Promise<Hashes> {
  const file = join(cacheDirectory, 'hashes.json');
  const compose = await composeProgram();
  const known = await readKnown(file, compose);
  const keys = Object.entries(model.services).map(
    ([name, one]) => [name, keyOf(name, one)] as const,
  );
  const unknown = keys.filter(([, key]) => !Object.hasOwn(known, key)).map(([name]) => name);
  if (unknown.length === 0) return pick(keys, known);
  const asked = await ask(onlyServices(model, unknown));
  const learned = keys.flatMap(([name, key]) => {
    const hash = asked[name];
    return hash === undefined ? [] : [[key, hash] as const];
  });
  const all = { ...known, ...Object.fromEntries(learned) };
  const used = new Set(keys.map(([, key]) => key));
  const entries = Object.entries(all);
  const lastUsedLast = [
    ...entries.filter(([key]) => !used.has(key)),
    ...entries.filter(([key]) => used.has(key)),
  ];
  await writeKnown(file, { compose, hashes: Object.fromEntries(lastUsedLast.slice(-MAX_KNOWN)) });
  return pick(keys, all);
}

/** What `docker compose` is on this host, and which build of it: a new one hashes in its own way. */
async function composeProgram(): Promise<string> {
  const configured = process.env['DOCKER_CONFIG'];
  const directories = [
    ...(configured === undefined ? [] : [join(configured, 'cli-plugins')]),
    ...PLUGIN_DIRECTORIES,
  ];
  const found = await Promise.all(
    directories.map(async (directory) => {
      const path = join(directory, 'docker-compose');
      const { size, mtimeMs, ctimeMs, ino } = await stat(path).catch(() => ({
        size: 0,
        mtimeMs: 0,
        ctimeMs: 0,
        ino: 0,
      }));
      return [path, size, mtimeMs, ctimeMs, ino].join(':');
    }),
  );
  return found.join(' ');
}

function keyOf(name: string, service: unknown): string {
  return createHash('sha256')
    .update(canonicalJson([name, service]))
    .digest('hex');
}

function pick(keys: readonly (readonly [string, string])[], known: Hashes): Hashes {
  return Object.fromEntries(
    keys.flatMap(([name, key]) => {
      const hash = known[key];
      return hash === undefined ? [] : [[name, hash] as const];
    }),
  );
}

async function readKnown(file: string, compose: string): Promise<Hashes> {
  try {
    const known = schema.parse(JSON.parse(await readFile(file, 'utf8')));
    return known.compose === compose ? known.hashes : {};
  } catch {
    return {};
  }
}

/** Nobody waits for it to be on the disk, and nothing fails without it. */
async function writeKnown(file: string, known: Known): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, JSON.stringify(known), { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true });
  }
}
