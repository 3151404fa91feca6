import t from 'tap';
import {
  ConfigError,
  diskFailureIn,
  InterruptedError,
  messageOf,
  OperatorError,
  RefusedError,
  UnhealthyError,
  UsageError,
} from '../../src/errors.ts';

await t.test('each kind of failure has the exit code its reader expects', async (t) => {
  t.equal(new OperatorError('why', 'next').exitCode, 1);
  t.equal(new OperatorError('why', 'next', 11).exitCode, 11);
  t.equal(new RefusedError('why', 'next').exitCode, 1);
  t.equal(new UnhealthyError('why', 'next').exitCode, 1);
  t.equal(new ConfigError('why', 'next').exitCode, 2);
  t.match(new UsageError('why'), { exitCode: 2, next: 'orchestrator-update --help' });
  t.match(new InterruptedError('SIGTERM'), { exitCode: 130, message: 'interrupted by SIGTERM' });
});

await t.test('a password in a URL never gets into a message', async (t) => {
  const url = 'https://deploy:s3cret@git.corp/op.git';
  const { message, next } = new OperatorError(`${url} and ${url}: denied`, `git ls-remote ${url}`);
  t.notMatch(message + next, /s3cret|deploy/);
  t.match(message, /git\.corp\/op\.git: denied$/);
  t.equal(new OperatorError('git@h:op.git http://h/a@b', 'x').message, 'git@h:op.git http://h/a@b');
});

await t.test('the text of anything that was thrown', async (t) => {
  t.equal(messageOf(new Error('why')), 'why');
  t.equal(messageOf('why'), 'why');
  t.equal(messageOf(undefined), 'undefined');
});

await t.test('what programs say of a disk that takes nothing more', async (t) => {
  const rsync =
    ' 1%\r 2%\rrsync: write failed on "/b/x": No space left on device (28)\nrsync error: …';
  t.match(diskFailureIn(rsync), { line: /^rsync: write failed.*\(28\)$/, next: /^make room: df/ });
  t.match(diskFailureIn("EROFS: read-only file system, open '/b'"), { next: /^findmnt; dmesg/ });
  t.match(diskFailureIn('cp: Disk quota exceeded'), { next: /quota/ });
  t.match(diskFailureIn('read: Input/output error'), { next: /smartctl/ });
  t.equal(diskFailureIn('no such file'), undefined);
});
