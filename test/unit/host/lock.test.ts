import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { setTimeout as wait } from 'node:timers/promises';
import type { Invocation } from '../../../src/command-table.ts';
import { withLock } from '../../../src/commands/context.ts';
import { exec } from '../../../src/host/exec.ts';
import {
  acquireLock,
  isAlive,
  isElsewhere,
  isLocked,
  lockForChildren,
  lockKeepers,
  readLockHolder,
} from '../../../src/host/lock.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

const lockModule = resolve(import.meta.dirname, '../../../src/host/lock.ts');

/** A process that takes the lock and keeps it until it is killed. */
async function startHolder(path: string) {
  const program = `
    import { acquireLock } from ${JSON.stringify(lockModule)};
    console.log(acquireLock(process.argv[1]) ? 'held' : 'refused');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return { child, said: String(line).trim() };
}

await t.test('one process has the lock, and kill -9 frees it', async (t) => {
  const path = join(t.testdir({}), 'lock');
  const { child, said } = await startHolder(path);
  t.equal(said, 'held');
  t.equal(acquireLock(path), undefined);
  t.equal(readLockHolder(path)?.pid, child.pid);

  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = acquireLock(path);
  t.ok(lock);
  t.equal(readLockHolder(path)?.pid, process.pid);
  lock?.release();
});

await t.test('a released lock can be taken again and names nobody', async (t) => {
  const path = join(t.testdir({}), 'lock');
  const first = acquireLock(path, () => new Date(0));
  t.match(readLockHolder(path), { pid: process.pid, startedAt: '1970-01-01T00:00:00.000Z' });
  t.equal(acquireLock(path), undefined, 'not even by the same process');
  first?.release();
  first?.release();
  t.equal(readLockHolder(path), undefined);
  const second = acquireLock(path);
  t.ok(second);
  second?.release();
});

await t.test('the file is private, and never somebody else’s', async (t) => {
  const dir = t.testdir({ other: 'text', broken: '{"pid":"1"}' });
  acquireLock(join(dir, 'lock'))?.release();
  t.equal(statSync(join(dir, 'lock')).mode & 0o777, 0o600);
  symlinkSync('other', join(dir, 'link'));
  t.throws(() => acquireLock(join(dir, 'link')), { code: 'ELOOP' });
  t.throws(() => acquireLock(join(dir, 'absent/lock')), { code: 'ENOENT' });
  t.equal(readLockHolder(join(dir, 'broken')), undefined);
});

await t.test('a child that was given the lock keeps it when its parent is killed', async (t) => {
  const path = join(t.testdir({}), 'lock');
  const execModule = resolve(import.meta.dirname, '../../../src/host/exec.ts');
  const program = `
    import { acquireLock } from ${JSON.stringify(lockModule)};
    import { exec } from ${JSON.stringify(execModule)};
    acquireLock(process.argv[1]);
    const watch = { started: () => console.log('held'), line: () => {} };
    exec({ file: 'sleep', args: ['300'] }, { timeoutSeconds: 400, keepsLock: true, watch });
    exec({ file: 'sleep', args: ['3'] }, { timeoutSeconds: 400 });`;
  const args = ['--input-type=module', '--eval', program, path];
  const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(parent.stdout, 'data');
  const names = (): string[] => lockKeepers(path).map(({ name }) => name);
  while (!names().includes('sleep')) await wait(10);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  t.equal(acquireLock(path), undefined);
  t.same(names().toSorted(), ['sleep', 'timeout'], 'one of the two, and what ends it in time');
  t.equal(readLockHolder(path)?.pid, parent.pid, 'who was killed stays known');
  const kept = lockKeepers(path).find(({ name }) => name === 'sleep');
  process.kill(kept?.pid ?? 0, 'SIGKILL');
  while (names().length > 0) await wait(10);
  const lock = acquireLock(path);
  t.ok(lock);
  lock?.release();
});

await t.test('who lets the lock go lets it go for its children, too', async (t) => {
  const path = join(t.testdir({}), 'lock');
  const lock = acquireLock(path);
  const stop = new AbortController();
  const options = { timeoutSeconds: 60, keepsLock: true, signal: stop.signal };
  const child = exec({ file: 'sleep', args: ['60'] }, options).catch(() => {});
  while (!lockKeepers(path).some(({ name }) => name === 'sleep')) await wait(10);
  lock?.release();
  const second = acquireLock(path);
  t.ok(second);
  second?.release();
  stop.abort();
  await child;
});

await t.test('a child cannot let go of the lock of its parent', async (t) => {
  const path = join(t.testdir({}), 'lock');
  const lock = acquireLock(path);
  const script = 'flock --unlock 3; printf x >&3';
  const { stderr } = await exec(
    { file: 'bash', args: ['-c', script] },
    { timeoutSeconds: 60, keepsLock: true, accept: [1] },
  );
  t.match(stderr, /Bad file descriptor/, 'nor write into its file');
  t.equal(acquireLock(path), undefined);
  t.equal(readLockHolder(path)?.pid, process.pid);
  lock?.release();
});

await t.test('a command that is not there, with the lock', async (t) => {
  const failed = exec(
    { file: 'no-such-program', args: [] },
    { timeoutSeconds: 5, keepsLock: true },
  );
  await t.rejects(failed, { message: /no-such-program: is not installed/ });
});

await t.test(
  'a holder in a container is taken at its word: its number means another process here',
  async (t) => {
    const path = join(t.testdir({}), 'lock');
    const lock = acquireLock(path);
    const holder = readLockHolder(path);
    lock?.release();
    if (holder === undefined) throw new Error('nobody holds it');
    t.equal(isElsewhere(holder), false);
    const gone = { ...holder, pid: 2 ** 22 + 1 };
    t.equal(isAlive(gone), false);
    t.equal(isAlive({ ...gone, namespace: 'pid:[1]' }), true);
    t.equal(isElsewhere({ pid: 1, startedAt: '' }), false, 'of an earlier version');
  },
);

await t.test('who looks whether a lock is taken does not take it', async (t) => {
  const dir = t.testdir({});
  const path = join(dir, 'lock');
  const other = join(dir, 'other');
  t.equal(isLocked(path), false, 'never taken');
  t.same(readdirSync(dir), [], 'nor made');
  acquireLock(other)?.release();
  const lock = acquireLock(path);
  const forChildren = lockForChildren();
  t.ok(forChildren);
  writeFileSync(other, 'the last holder');
  t.equal(isLocked(path), true);
  t.equal(isLocked(other), false);
  t.equal(readFileSync(other, 'utf8'), 'the last holder');
  t.equal(lockForChildren(), forChildren, 'and children keep what they had');
  lock?.release();
  t.equal(isLocked(path), false);
});

await t.test('what is taken only for a moment is tried again', { skip }, async (t) => {
  const dir = t.testdir({});
  const lock = acquireLock(join(dir, 'lock'));
  setTimeout(() => lock?.release(), 20);
  const invocation = { settings: { stateDirectory: dir } } as Invocation;
  t.equal(await withLock(invocation, async () => 'done'), 'done');
});
