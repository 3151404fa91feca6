import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { commands } from '../../../src/command-table.ts';
import { acquireLock } from '../../../src/host/lock.ts';
import { runProgram } from '../../support/cli.ts';

const directory = t.testdir({ 'update_config.yaml': 'root: /nonexistent/shop\n' });
const cli = (...args: string[]) => runProgram(directory, args);

await t.test('--help teaches: every command, flag and exit code', async (t) => {
  const { stdout, exitCode } = await cli('--help');
  t.equal(exitCode, 0);
  for (const [name, { summary }] of Object.entries(commands)) {
    t.match(stdout, new RegExp(`^  ${name} +${summary.slice(0, 20)}`, 'm'), name);
  }
  for (const flag of ['--config FILE', '--set KEY=VALUE', '--json', '--debug', '--help, -h']) {
    t.ok(stdout.includes(flag), flag);
  }
  for (const code of [0, 1, 2, 10, 11, 12, 13, 130]) {
    t.match(stdout, new RegExp(`^  ${code} +\\S`, 'm'), `exit code ${code}`);
  }
  t.same((await cli()).stdout, stdout, 'the same without a command');
});

for (const [name, { usage, details }] of Object.entries(commands)) {
  await t.test(`${name} --help says usage, flags and an example`, async (t) => {
    const { stdout, exitCode } = await cli(name, '--help');
    t.equal(exitCode, 0);
    t.ok(stdout.startsWith(`Usage: orchestrator-update ${usage}\n`));
    for (const [flag] of details) t.ok(stdout.includes(`  ${flag} `), flag);
    t.match(stdout, /Examples:\n {2}\S/);
    t.notOk(existsSync(join(directory, 'state')), 'and does nothing');
  });
}

await t.test('help COMMAND is COMMAND --help', async (t) => {
  t.equal((await cli('help', 'run')).stdout, (await cli('run', '-h')).stdout);
});

await t.test('--version', async (t) => {
  const { stdout, exitCode } = await cli('--version');
  t.match(stdout, /^\d+\.\d+\.\d+/);
  t.equal(exitCode, 0);
});

const usageErrors: readonly (readonly [args: string[], said: RegExp])[] = [
  [['rnu'], /^orchestrator-update: unknown command rnu \(did you mean run\?\)\nnext: .*--help/],
  [['quite-else'], /unknown command quite-else\n/],
  [['constructor'], /unknown command constructor/],
  [['help', 'stats'], /unknown command stats \(did you mean status\?\)/],
  [['run', '--forse'], /Unknown option '--forse'\nnext: usage: .*run \[--auto/],
  [['run', 'now'], /unexpected word: now\nnext: usage: /],
  [['run', '--force=yes'], /--force/],
  [['history', '--limit'], /--limit/],
  [['history', '--limit', 'few'], /limit/],
  [['backup', 'verify', '--restore', '--sample'], /two ways to verify: one at a time/],
  [['reject'], /reject needs the ID of the plan that waits\nnext: .*reject ID/],
  [['approve', 'a', 'b'], /unexpected word: b/],
  [['backup', 'prune', 'B1'], /unexpected word: B1/],
  [['config'], /config needs a verb/],
  [['config', 'chekc'], /unknown verb: config chekc/],
  [['config', 'check', 'now'], /unexpected word: now/],
  [['status', '--set', 'brnch=x'], /unknown key brnch \(did you mean branch\?\)/],
  [['status', '--config', '/nonexistent/c.yaml'], /\/nonexistent\/c\.yaml cannot be read/],
];
for (const [args, said] of usageErrors) {
  await t.test(`${args.join(' ')}: exit code 2 and what to type`, async (t) => {
    const { stderr, stdout, exitCode } = await cli(...args);
    t.match(stderr, said);
    t.match(stderr, /\nnext: \S/);
    t.notMatch(stderr, /\n {4}at /, 'no stack trace');
    t.equal(stdout, '');
    t.equal(exitCode, 2);
  });
}

await t.test('with --json an error is JSON, too', async (t) => {
  const { stdout, stderr, exitCode } = await cli('config', 'check', '--set', 'x=1', '--json');
  t.match(JSON.parse(stdout), { error: 'unknown key x', next: /config docs/, exitCode: 2 });
  t.equal(stderr, '');
  t.equal(exitCode, 2);
});

await t.test('config check, show and docs', async (t) => {
  const good = await cli('config', 'check');
  t.equal(good.stdout, `${directory}/update_config.yaml: good`);
  t.equal(good.exitCode, 0);
  const shown = await cli('config', 'show', '--json', '--set', 'branch=main');
  t.match(JSON.parse(shown.stdout), { branch: 'main', project_dir: '/nonexistent/shop/autonomy' });
  t.match((await cli('config', 'show')).stdout, /^root: \/nonexistent\/shop$/m);
  t.match((await cli('config', 'docs')).stdout, /^# Configuration\n/);
  t.match(JSON.parse((await cli('config', 'docs', '--json')).stdout), [{ key: 'root' }]);
  t.notOk(existsSync(join(directory, 'state')), 'none of them writes anything');
});

await t.test('a mistake in the file: its line, and exit code 2 from every command', async (t) => {
  const bad = t.testdir({ 'update_config.yaml': 'root: /x\nbrnch: main\n' });
  for (const args of [['config', 'check'], ['status'], ['check'], ['plan'], ['run'], ['recover']]) {
    const { stderr, exitCode } = await runProgram(bad, args);
    t.match(stderr, /update_config\.yaml:2: unknown key brnch \(did you mean branch\?\)/);
    t.equal(exitCode, 2, args.join(' '));
  }
});

await t.test('a host that never saw a run: status and history say so', async (t) => {
  const fresh = t.testdir({ 'update_config.yaml': 'root: /nonexistent/shop\n' });
  const { stdout, exitCode } = await runProgram(fresh, ['status', '--json']);
  t.equal(exitCode, 0);
  t.match(JSON.parse(stdout), { deployed: null, last: null, underWay: null, remoteError: /shop/ });
  t.match((await runProgram(fresh, ['status'])).stdout, /nothing recorded yet/);
  const history = await runProgram(fresh, ['history', '--json']);
  t.same(JSON.parse(history.stdout), []);
  t.equal(history.exitCode, 0);
});

const skip = process.getuid?.() === 0 ? false : 'needs root';

await t.test('no work tree: exit code 1, where it looked, and what to do', { skip }, async (t) => {
  const { stderr, exitCode } = await cli('run');
  t.match(stderr, /neither \/nonexistent\/shop nor .*autonomy is a git work tree/);
  t.match(stderr, /git clone/);
  t.equal(exitCode, 1);
});

await t.test('a second run: exit code 11, and who holds the lock', { skip }, async (t) => {
  mkdirSync(join(directory, 'state'), { recursive: true });
  const lock = acquireLock(join(directory, 'state/lock'));
  t.teardown(() => lock?.release());
  for (const args of [
    ['run'],
    ['rollback'],
    ['recover'],
    ['run', '--force'],
    ['approve'],
    ['reject', '3f9c01ab'],
  ]) {
    const { stderr, exitCode } = await cli(...args);
    t.match(stderr, new RegExp(`another run is under way \\(process ${process.pid}, since 20`));
    t.equal(exitCode, 11, args.join(' '));
  }
});

await t.test('an operator is needed: status says why and exits with 13', async (t) => {
  const latched = t.testdir({ 'update_config.yaml': 'root: /nonexistent/shop\n', state: {} });
  const why = { reason: 'web never came back', at: '2026-01-01T00:00:00Z', transaction: 't1' };
  writeFileSync(join(latched, 'state/needs-operator.json'), JSON.stringify(why));
  const { stdout, exitCode } = await runProgram(latched, ['status']);
  t.match(stdout, /an operator is needed: web never came back/);
  t.equal(exitCode, 13);
});

await t.test('a damaged state file is named', async (t) => {
  const damaged = t.testdir({
    'update_config.yaml': 'root: /nonexistent/shop\n',
    state: { 'deployed.json': '{"commit": ' },
  });
  const { stderr, exitCode } = await runProgram(damaged, ['status']);
  t.match(stderr, /deployed\.json is damaged\nnext: \S/);
  t.equal(exitCode, 1);
});
