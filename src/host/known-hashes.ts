import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { canonicalJson } from '../core/canonical-json.ts';
import { onlyServices, type ComposeModel } from '../core/compose-model.ts';
import { recall, remember } from './compose-memory.ts';

type Hashes = Readonly<Record<string, string>>;

/** By what they were made of. */
const hashesSchema = z.record(z.string(), z.string());

/** More than two releases of any project have; those used last are kept. */
const MAX_KNOWN = 4000;

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
  const known = (await recall(file, hashesSchema)) ?? {};
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
  await remember(file, Object.fromEntries(lastUsedLast.slice(-MAX_KNOWN)));
  return pick(keys, all);
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
