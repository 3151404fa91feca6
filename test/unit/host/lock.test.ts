import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import t from 'tap';
import { acquireLock, readLockHolder } from '../../../src/host/lock.ts';

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
  t.same(readLockHolder(path), { pid: process.pid, startedAt: '1970-01-01T00:00:00.000Z' });
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
