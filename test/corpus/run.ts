/**
 * `npm run corpus`: compares every pair of a corpus of real compose histories, and its verdict and
 * sets with what docker compose said of both sides.
 *
 * Usage: node test/corpus/run.ts [DIRECTORY] [--only ID]...
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareTrees } from '../../src/compare.ts';
import type { Comparison } from '../../src/core/comparison.ts';
import { disagreements, type Truth } from './truth.ts';

/** What the truth was made with: a host of its own, so that no variable of this one counts. */
const environment = { HOME: '/home/geo', USER: 'geo', PATH: process.env['PATH'] };
const AT_ONCE = 2;

interface Meta {
  readonly compose_files_old: readonly string[];
  readonly compose_files_new: readonly string[];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

async function comparePair(pair: string): Promise<Comparison> {
  const meta = readJson(join(pair, 'meta.json')) as Meta;
  const side = (name: string, files: readonly string[]) => ({
    directory: join(pair, name),
    projectPath: '',
    files,
  });
  return compareTrees(side('old', meta.compose_files_old), side('new', meta.compose_files_new), {
    projectName: 'p',
    environment,
  });
}

function pairsIn(directory: string, only: readonly string[]): string[] {
  const sets = ['pairs', 'pairs-sibling'].map((name) => join(directory, name)).filter(existsSync);
  const pairs = sets.flatMap((set) =>
    readdirSync(set)
      .filter((id) => only.length === 0 || only.includes(id))
      .toSorted()
      .map((id) => join(set, id)),
  );
  if (pairs.length === 0) throw new Error(`no pairs in ${directory}: is the archive unpacked?`);
  return pairs;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string', multiple: true } },
  });
  const pairs = pairsIn(positionals[0] ?? '../shared/corpus', values.only ?? []);
  const startedAt = performance.now();
  let agreed = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let pair = pairs[next++]; pair !== undefined; pair = pairs[next++]) {
      const truth = readJson(join(pair, 'truth.json')) as Truth;
      const found = disagreements(await comparePair(pair), truth);
      if (found.length === 0) agreed += 1;
      for (const line of found) process.stdout.write(`${pair}: ${line}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const share = ((agreed / pairs.length) * 100).toFixed(2);
  process.stdout.write(`${agreed} of ${pairs.length} pairs agree (${share} %) in ${seconds} s\n`);
  return agreed === pairs.length ? 0 : 1;
}

process.exitCode = await main();
