/**
 * `npm run corpus`: compares every pair of a corpus of real compose histories, and its verdict and
 * sets with what docker compose said of both sides. Brings docker compose itself.
 *
 * Usage: node test/corpus/run.ts [ARCHIVE | DIRECTORY] [--only ID]... [--compose VERSION]
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareTrees } from '../../src/compare.ts';
import type { Comparison } from '../../src/core/comparison.ts';
import { command } from '../lab/command.ts';
import { checkoutDir } from '../lab/paths.ts';
import { installPrograms } from '../lab/programs.ts';
import {
  composeDirectory,
  composeVersions,
  isComposeVersion,
} from '../support/compose-versions.ts';
import { disagreements, type Truth } from './truth.ts';

const AT_ONCE = 2;
const usualCorpus = join(checkoutDir, '../shared/corpus/corpus-open.tar.xz');

interface Meta {
  readonly compose_files_old: readonly string[];
  readonly compose_files_new: readonly string[];
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

async function comparePair(pair: string, environment: NodeJS.ProcessEnv): Promise<Comparison> {
  const meta = readJson(join(pair, 'meta.json')) as Meta;
  const side = (name: string, files: readonly string[]) => ({
    name,
    prefix: `${name}/`,
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

/** Lines of disagreement go to standard output; gives how many pairs agree. */
async function countAgreeing(
  pairs: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  let agreed = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let pair = pairs[next++]; pair !== undefined; pair = pairs[next++]) {
      const truth = readJson(join(pair, 'truth.json')) as Truth;
      const found = disagreements(await comparePair(pair, environment), truth);
      if (found.length === 0) agreed += 1;
      for (const line of found) say(`${pair}: ${line}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return agreed;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true },
      compose: { type: 'string', default: '2.26.1' },
    },
  });
  const version = values.compose;
  if (!isComposeVersion(version)) {
    throw new Error(`--compose ${version}: it is one of ${composeVersions.join(', ')}`);
  }
  // What the truth was made with: a host of its own, so that no variable of this one counts.
  const PATH = await composeDirectory(version, say);
  const environment = { HOME: '/home/geo', USER: 'geo', PATH };
  const corpus = positionals[0] ?? usualCorpus;
  const scratch = await mkdtemp(join(tmpdir(), 'orchestrator-update-corpus-'));
  try {
    const directory = statSync(corpus).isDirectory() ? corpus : await unpack(corpus, scratch);
    const pairs = pairsIn(directory, values.only ?? []);
    const startedAt = performance.now();
    const agreed = await countAgreeing(pairs, environment);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const share = ((agreed / pairs.length) * 100).toFixed(2);
    const who = `docker compose ${version}`;
    say(`${agreed} of ${pairs.length} pairs agree (${share} %) with ${who} in ${seconds} s`);
    return agreed === pairs.length ? 0 : 1;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function unpack(archive: string, into: string): Promise<string> {
  await installPrograms({ tar: 'tar', xz: 'xz-utils' }, say);
  await command('tar', ['-xf', archive, '-C', into], { timeoutSeconds: 300 });
  return into;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
