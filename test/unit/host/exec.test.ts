import { rmSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { childEnvironment } from '../../../src/host/child-environment.ts';
import { CommandError, exec, type ExecOptions } from '../../../src/host/exec.ts';

/** Runs a line of shell. */
function sh(script: string, options: Partial<ExecOptions> = {}) {
  return exec({ file: 'sh', args: ['-c', script] }, { timeoutSeconds: 20, ...options });
}

const byText = (left: string, right: string): number => left.localeCompare(right);

/** The message of the failure. */
async function failure(script: string, options: Partial<ExecOptions> = {}): Promise<string> {
  try {
    await sh(script, options);
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
  return 'none';
}

await t.test('stdout and stderr apart, and the exit code', async (t) => {
  t.match(await sh('echo out; echo err >&2'), { stdout: 'out', stderr: 'err', exitCode: 0 });
  t.match(await sh('exit 5', { accept: [5] }), { exitCode: 5 });
});

await t.test('a failure says the command, the code and what was printed last', async (t) => {
  const message = await failure('echo one; echo why >&2; exit 3');
  t.equal(message, "sh -c 'echo one; echo why >&2; exit 3': failed with exit code 3:\none\nwhy");
  const bar = await failure(String.raw`printf ' 1%%\r 2%%\r 3%%\nwhy\n' >&2; exit 1`);
  t.match(bar, /exit code 1:\n3%\nwhy$/, 'of a progress bar only what was left standing');
  t.match(await failure('exit 4', { accept: [5] }), /failed with exit code 4$/);
  t.match(await failure('kill -9 $$'), /was ended by SIGKILL/);
  const long = await failure('seq 1 5000; exit 1');
  t.match(long, /\n5000$/);
  t.match(long, /exit code 1:\n…[\d\n]/, 'what is left out before is marked');
  t.ok(long.length < 2200, 'and not all of a long output');
  await t.rejects(sh('echo why >&2; exit 1'), { message: /why/, stderr: 'why', exitedWith: 1 });
});

await t.test('what to type where a disk takes nothing more', async (t) => {
  await t.rejects(sh('head -c 9 /dev/zero >/dev/full'), {
    message: /No space left on device/,
    next: /^make room: df -h/,
  });
  const readOnly = sh('echo cp: Read-only file system >&2; exit 1');
  await t.rejects(readOnly, { message: /exit code 1/, next: /^findmnt; dmesg/ });
  await t.rejects(sh('false'), { message: /exit code 1/, next: /doctor/ });
});

await t.test('output for a file: all of its bytes, for us alone, and not through us', async (t) => {
  const file = join(t.testdir({}), 'dump');
  const seen: string[] = [];
  const watch = { started: () => {}, line: (line: string) => void seen.push(line) };
  const script = String.raw`head -c 300000000 /dev/zero; printf '\377\n'; echo said >&2`;
  const { stdout, stderr } = await sh(script, { stdoutFile: file, watch });
  t.same([stdout, stderr, seen], ['', 'said', ['said']], 'no line of it is shown');
  const { size, mode } = statSync(file);
  t.equal(size, 300_000_002);
  t.equal(mode & 0o777, 0o600);
  await t.rejects(sh('true', { stdoutFile: file }), { code: 'EEXIST' });
  rmSync(file);
  symlinkSync('/dev/null', file);
  await t.rejects(sh('true', { stdoutFile: file }), { code: 'EEXIST' });
  const full = { stdoutFile: join(t.testdir({}), 'failed') };
  await t.rejects(sh('echo half; exit 3', full), { message: /exit code 3$/ });
});

await t.test('a program that is not there', async (t) => {
  const absent = exec({ file: 'no-such-program', args: ['x'] }, { timeoutSeconds: 5 });
  await t.rejects(absent, { message: 'no-such-program x: is not installed' });
});

await t.test('a directory that is not there is not a missing program', async (t) => {
  t.match(await failure('true', { cwd: '/nonexistent/x' }), /\/nonexistent\/x/);
});

await t.test('the time-out is for the whole command', async (t) => {
  const startedAt = Date.now();
  const message = await failure('while :; do echo busy; sleep 0.1; done', { timeoutSeconds: 0.5 });
  t.match(message, /took longer than 0\.5 s and was ended/);
  t.ok(Date.now() - startedAt < 5000);
});

await t.test('silence is timed apart, and any output starts it anew', async (t) => {
  const options = { idleSeconds: 0.8 };
  t.match(await failure('echo a; exec sleep 20', options), /printed nothing for 0\.8 s and was/);
  const slow = 'for i in 1 2 3 4 5 6; do echo $i; sleep 0.25; done';
  t.equal(await failure(slow, options), 'none');
  const bar = String.raw`for i in 1 2 3 4 5 6; do printf '%s\r' $i; sleep 0.25; done`;
  t.equal(await failure(bar, options), 'none', 'a progress bar ends its lines with \\r');
});

await t.test('a signal of ours stops it', async (t) => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 200);
  t.match(await failure('exec sleep 20', { signal: stop.signal }), /was stopped/);
  t.match(await failure('exec sleep 20', { signal: AbortSignal.abort() }), /was stopped/);
});

await t.test('what it started is ended with it', async (t) => {
  const seen: string[] = [];
  const watch = { started: () => {}, line: (line: string) => void seen.push(line) };
  const script = 'sleep 30 & echo $!; wait';
  t.match(await failure(script, { timeoutSeconds: 0.4, watch }), /took longer/);
  const pid = Number(seen[0]);
  t.ok(pid > 1);
  // Where init does not collect it, it stays listed as a zombie.
  const { stdout } = await sh(`ps -o stat= -p ${pid} || true`);
  t.match(stdout, /^Z?/);
  t.notMatch(stdout, /^[RSD]/);
});

await t.test('the environment is fixed: nothing of ours reaches the child', async (t) => {
  // In a process of its own: tap adds variables to every child of this one.
  const program = `
    import { exec } from ${JSON.stringify(resolve(import.meta.dirname, '../../../src/host/exec.ts'))};
    const options = { timeoutSeconds: 20, environment: { LANG: 'C', MINE: '1' } };
    console.log((await exec({ file: 'env', args: [] }, options)).stdout);`;
  const ours = ['GIT_DIR=/elsewhere', 'ORCHESTRATOR_UPDATE_X=x', 'HTTPS_PROXY=http://proxy:3128'];
  const args = ['-i', ...ours, 'PATH=/ours', process.execPath, '--input-type=module', '--eval'];
  const { stdout } = await exec({ file: 'env', args: [...args, program] }, { timeoutSeconds: 20 });
  t.same(stdout.split('\n').toSorted(byText), [
    'HOME=/root',
    'HTTPS_PROXY=http://proxy:3128',
    'LANG=C',
    'MINE=1',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
  t.equal(childEnvironment('/home/geo')['HOME'], '/home/geo');
});

await t.test('stdin is empty: nothing ever waits for an answer', async (t) => {
  t.equal((await sh('cat; echo end')).stdout, 'end');
});

await t.test('the watch sees the limit first, then every line as it comes', async (t) => {
  const seen: unknown[] = [];
  const watch = {
    started: (limit: number) => void seen.push(limit),
    line: (line: string) => void seen.push(line),
  };
  await sh(String.raw`printf 'a\nb 10%%\rb 20%%\n'; echo c >&2`, { watch });
  t.equal(seen[0], 20);
  t.same(seen.slice(1).map(String).toSorted(byText), ['a', 'b 10%', 'b 20%', 'c']);
  await sh('true', { watch, idleSeconds: 3 });
  t.equal(seen.at(-1), 3, 'with an idle limit, that one');
});

const skip = process.getuid?.() === 0 ? false : 'needs root';
await t.test('as another user, with their home and no group of ours', { skip }, async (t) => {
  const user = { uid: 65534, gid: 65534, home: '/nonexistent' };
  const { stdout } = await sh('id -u; id -G; echo $HOME', { user, cwd: '/' });
  t.equal(stdout, '65534\n65534\n/nonexistent');
});
