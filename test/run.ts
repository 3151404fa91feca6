/**
 * `npm test`: every suite, whatever the earlier ones said. The last line counts all of them.
 *
 * Usage: node test/run.ts [SUITE...]
 */
import { appendFileSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { installPrograms, type Programs } from './lab/programs.ts';
import {
  add,
  type Count,
  countTap,
  countText,
  nothing,
  type Failure,
} from './support/tap-results.ts';

/** One part of `npm test`. */
interface Suite {
  readonly name: string;
  /** Where its tests are; undefined for a command that only passes or fails. */
  readonly tests?: string;
  readonly args: readonly string[];
}

interface SuiteResults {
  readonly count: Count;
  readonly failures: readonly Failure[];
}

/** The raw TAP of each suite, and the last line. */
const resultsDir = '.tap/results';

const suites: readonly Suite[] = [
  { name: 'build', args: ['npm', 'run', '--silent', 'build'] },
  { name: 'check', args: ['npm', 'run', '--silent', 'check'] },
  { name: 'unit', tests: 'test/unit', args: ['--jobs=2', '--timeout=120'] },
  { name: 'crash', tests: 'test/crash', args: ['--jobs=2', '--timeout=600'] },
  { name: 'integration', tests: 'test/integration', args: ['--jobs=2', '--timeout=300'] },
  { name: 'lab', tests: 'test/lab/scenarios', args: ['--jobs=2', '--timeout=900'] },
];

/** What the suites before the lab need; the lab sees to its own. */
const programs: Programs = {
  git: 'git',
  rsync: 'rsync',
  shellcheck: 'shellcheck',
  python3: 'python3',
  strace: 'strace',
  setfacl: 'acl',
  'mkfs.btrfs': 'btrfs-progs',
  getfattr: 'attr',
  restic: 'restic',
  // `dnf download` and `dnf versionlock` are in its plugins.
  dnf: 'dnf-plugins-core',
  rpmbuild: 'rpm',
  createrepo_c: 'createrepo-c',
  gpg: 'gpg',
  zsh: 'zsh',
  fish: 'fish',
  mandoc: 'mandoc',
  groff: 'groff-base',
  chromium: 'chromium',
  'docker-registry': 'docker-registry',
  openssl: 'openssl',
};

async function runSuite(suite: Suite): Promise<SuiteResults> {
  if (suite.tests === undefined) return runCommand(suite);
  if (suite.name === 'lab' && process.getuid?.() !== 0) {
    return failed('lab', 'the lab boots real hosts and needs root: sudo npm test');
  }
  const files = globSync(`${suite.tests}/**/*.test.ts`).toSorted();
  // Without files tap would run every test there is.
  if (files.length === 0) return failed(suite.name, `no test files in ${suite.tests}`);
  return runTests(suite, files);
}

async function runTests(suite: Suite, files: readonly string[]): Promise<SuiteResults> {
  const counter = countTap(({ ok, name, time }, count) => {
    const seconds = ((time ?? 0) / 1000).toFixed(1);
    say(`   ${ok ? 'ok' : 'FAILED'}  ${name}: ${countText(count)} in ${seconds} s`);
  });
  // Not --output-file: with it, tap writes every line to both places, and to ours twice.
  const output = `${resultsDir}/${suite.name}.tap`;
  const args = [...suite.args, '--reporter=tap', ...files];
  const tap = execa('node_modules/.bin/tap', args, {
    stdin: 'ignore',
    stderr: 'inherit',
    buffer: false,
    reject: false,
  });
  tap.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    appendFileSync(output, chunk);
    counter.write(chunk);
  });
  const { exitCode } = await tap;
  const { count, failures } = counter.end();
  const hasRun = count.passed + count.failed > 0;
  if (hasRun && (exitCode === 0 || count.failed > 0)) return { count, failures };
  const why = hasRun ? `tap ended with ${exitCode}, though no test failed` : 'no test was run';
  const more = failed(suite.name, why);
  return { count: add(count, more.count), failures: [...failures, ...more.failures] };
}

async function runCommand({ name, args: [file = '', ...args] }: Suite): Promise<SuiteResults> {
  const { exitCode } = await execa(file, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  if (exitCode === 0) return { count: { ...nothing, passed: 1 }, failures: [] };
  return failed(name, `${[file, ...args].join(' ')} ended with ${exitCode}: see above`);
}

function failed(name: string, details: string): SuiteResults {
  return { count: { ...nothing, failed: 1 }, failures: [{ name, details }] };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(only: readonly string[]): Promise<number> {
  const unknown = only.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    say(`no suite ${unknown}; there are: ${suites.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  rmSync(resultsDir, { recursive: true, force: true });
  mkdirSync(resultsDir, { recursive: true });
  await installPrograms(programs, say);
  let total = nothing;
  const failures: Failure[] = [];
  const table: string[] = [];
  for (const suite of suites.filter(({ name }) => only.length === 0 || only.includes(name))) {
    say(`\n== ${suite.name}`);
    const startedAt = performance.now();
    const results = await runSuite(suite);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    table.push(`${suite.name}: ${countText(results.count)} in ${seconds} s`);
    say(`== ${table.at(-1)}`);
    total = add(total, results.count);
    failures.push(...results.failures);
  }
  for (const { name, details } of failures)
    say(`\n✗ ${name}\n${details.replaceAll(/^/gm, '    ')}`);
  say(`\n${table.join('\n')}\n`);
  // Skipped and todo are in the table: this line is read by programs.
  const last = `${total.passed} passed, ${total.failed} failed`;
  writeFileSync(`${resultsDir}/total`, `${last}\n`);
  say(last);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
