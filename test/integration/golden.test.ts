import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t, { type Test } from 'tap';
import type { Comparison } from '../../src/core/comparison.ts';
import { runProgram } from '../support/cli.ts';
import { composeDirectory, composeVersions } from '../support/compose-versions.ts';

/**
 * Cases: two small projects, and in expected.json what a person would say of the step between them,
 * in the words of `diff --json`. Paths below the case are relative to it.
 */
const golden = resolve(import.meta.dirname, '../golden');
const AT_ONCE = 2;

/** case.json: the `-f` lists, where compose does not find the files by itself. */
interface Case {
  readonly files?: readonly string[];
  readonly newFiles?: readonly string[];
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

function argumentsOf(directory: string): string[] {
  const path = join(directory, 'case.json');
  const { files = [], newFiles = [] } = (existsSync(path) ? readJson(path) : {}) as Case;
  return [
    'diff',
    join(directory, 'old'),
    join(directory, 'new'),
    '--json',
    ...files.flatMap((file) => ['--file', file]),
    ...newFiles.flatMap((file) => ['--new-file', file]),
  ];
}

/** What is right does not depend on the version; how compose words an error does. */
function expectedOf(directory: string, version: string): Comparison {
  const own = join(directory, `expected-${version}.json`);
  return readJson(existsSync(own) ? own : join(directory, 'expected.json')) as Comparison;
}

for (const version of composeVersions) {
  await t.test(`docker compose ${version}`, { jobs: AT_ONCE }, async (t) => {
    // Nothing else is on PATH: a `docker compose` of this machine would be preferred.
    const PATH = await composeDirectory(version, (line) => t.comment(line));
    const state = t.testdir();
    const runCase = async (t: Test, name: string): Promise<void> => {
      const directory = join(golden, name);
      const expected = expectedOf(directory, version);
      const found = await runProgram(state, argumentsOf(directory), { PATH });
      t.equal(found.exitCode, expected.verdict === 'invalid-new' ? 2 : 0, found.stderr);
      t.same(JSON.parse(found.stdout.replaceAll(`${directory}/`, '')), expected);
    };
    const cases = readdirSync(golden).toSorted();
    await Promise.all(cases.map((name) => t.test(name, (t) => runCase(t, name))));
  });
}
