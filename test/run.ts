import { execa } from 'execa';
import { existsSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { Parser } from 'tap-parser';

/** One part of `npm test`. */
interface Suite {
  readonly name: string;
  /** Where its tests are; undefined for a command that only passes or fails. */
  readonly tests?: string;
  readonly args: readonly string[];
}

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const none: Count = { passed: 0, failed: 0, skipped: 0 };
const RESULTS = '.tap/results';
const bin = (name: string): string => `node_modules/.bin/${name}`;

const suites: readonly Suite[] = [
  { name: 'build', args: ['npm', 'run', '--silent', 'build'] },
  { name: 'check', args: ['npm', 'run', '--silent', 'check'] },
  { name: 'unit', tests: 'test/unit', args: ['--jobs=2', '--timeout=120'] },
  { name: 'crash', tests: 'test/crash', args: ['--jobs=2', '--timeout=600'] },
  { name: 'integration', tests: 'test/integration', args: ['--jobs=2', '--timeout=300'] },
  { name: 'lab', tests: 'test/lab/scenarios', args: ['--jobs=2', '--timeout=900'] },
];

/** Runs every suite, whatever the earlier ones said; the last line counts all of them. */
const only = process.argv.slice(2);
const counts: Count[] = [];
for (const suite of suites.filter(({ name }) => only.length === 0 || only.includes(name))) {
  const startedAt = performance.now();
  process.stdout.write(`\n== ${suite.name}\n`);
  const count = await runSuite(suite);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  process.stdout.write(`== ${suite.name}: ${countText(count)} in ${seconds} s\n`);
  counts.push(count);
}
const total = counts.reduce(add, { passed: 0, failed: 0, skipped: 0 });
process.stdout.write(`\n${countText(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;

async function runSuite(suite: Suite): Promise<Count> {
  if (suite.tests === undefined) return runCommand(suite.args);
  if (suite.name === 'lab' && process.getuid?.() !== 0) {
    process.stdout.write('the lab boots real hosts and needs root: run this as root\n');
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const files = globSync(`${suite.tests}/**/*.test.ts`).toSorted();
  mkdirSync(RESULTS, { recursive: true });
  const output = `${RESULTS}/${suite.name}.tap`;
  const args = [...suite.args, '--reporter=terse', `--output-file=${output}`, ...files];
  const { exitCode } = await execa(bin('tap'), args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  const count = existsSync(output) ? countTap(readFileSync(output, 'utf8')) : none;
  // A suite that ran nothing, or died without a failing test, has failed.
  const isSilent = count.passed + count.failed === 0 || (exitCode !== 0 && count.failed === 0);
  return isSilent ? { ...count, failed: count.failed + 1 } : count;
}

async function runCommand([file = '', ...args]: readonly string[]): Promise<Count> {
  const { exitCode } = await execa(file, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    reject: false,
  });
  return exitCode === 0 ? { ...none, passed: 1 } : { ...none, failed: 1 };
}

/** Counts the assertions of all subtests, not the subtests themselves. */
function countTap(text: string): Count {
  let count = none;
  const listen = (parser: Parser): void => {
    parser.on('child', listen);
    parser.on('assert', (result) => {
      if (result.skip || result.todo) count = { ...count, skipped: count.skipped + 1 };
      else if (result.name.startsWith('Subtest') || isSubtest(result)) return;
      else if (result.ok) count = { ...count, passed: count.passed + 1 };
      else count = { ...count, failed: count.failed + 1 };
    });
  };
  const parser = new Parser();
  listen(parser);
  parser.end(text);
  return count;
}

/** The line that sums up a subtest: its assertions were counted already. */
function isSubtest(result: { readonly fullname?: string; readonly time?: number | null }): boolean {
  return typeof result.time === 'number';
}

function add(left: Count, right: Count): Count {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

function countText({ passed, failed, skipped }: Count): string {
  const more = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${passed} passed, ${failed} failed${more}`;
}
