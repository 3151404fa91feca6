import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import type { Test } from 'tap';
import type { HistoryHost } from '../../src/host/history-host.ts';
import { isRoot } from '../support/git-world.ts';
import {
  byHand,
  errorOf,
  facts,
  historyWorld,
  largestPack,
  noise,
  resticIn,
  stoppedCheck,
  untilLocked,
  type HistoryWorld,
} from '../support/history-world.ts';

if (!isRoot) t.bailout('the files with the secrets must be root’s');

await t.test('a lock that is alive is waited for; one that is left over is removed', async (t) => {
  const world = historyWorld(t);
  const { history } = world;
  const { record } = await history.add(world.backup, facts, {});
  const { check: other } = await stoppedCheck(world);
  t.teardown(() => other.kill('SIGKILL'));
  const since = performance.now();
  const error = await errorOf(t, history.add(world.backup, facts, record));
  t.ok(performance.now() - since > 1000, 'it was waited for');
  t.match(error, { kind: 'locked', next: /let that restic end; if it is gone: restic .*unlock$/ });
  t.match(error.message, /it is locked: PID \d+ on .*, since \d{4}-\d\d-\d\d /);
  t.ok(error.message.includes(`PID ${other.pid}`));
  t.ok(world.progress.some(([status]) => status === 'waiting for the lock of the history'));
  t.match((await history.state()).locks, [new RegExp(`^PID ${other.pid} on .*, alone, since 20`)]);
  t.equal((await history.list()).length, 1, 'and it can be read meanwhile');

  other.kill('SIGKILL');
  await other;
  t.equal(readdirSync(join(world.repository, 'locks')).length, 1, 'its lock is left');
  await history.add(world.backup, facts, record);
  t.same(readdirSync(join(world.repository, 'locks')), []);
});

await t.test('a backup that was killed leaves no snapshot, and is in nobody’s way', async (t) => {
  const world = historyWorld(t);
  await world.history.add(world.backup, facts, {});
  writeFileSync(join(world.backup, 'shop/c.db'), noise(60_000_000, 3));
  const killed = byHand(world, ['backup', '--limit-upload', '1000', '.'], world.backup);
  const locks = join(world.repository, 'locks');
  await untilLocked(world);
  killed.kill('SIGKILL');
  await killed;
  t.equal(readdirSync(locks).length, 1);
  await world.history.forget({});
  t.same(readdirSync(locks), []);
  t.equal((await world.history.list()).length, 1);

  await t.test('one that hangs is ended, and is in nobody’s way either', async (t) => {
    const adding = errorOf(
      t,
      world.other({ keys: { timeout_seconds: 5 } }).add(world.backup, facts, {}),
    );
    await untilLocked(world);
    process.kill(resticIn(world.backup), 'SIGSTOP');
    t.match(await adding, { kind: 'timed out', message: /restic took too long/ });
    await world.history.forget({});
    t.same(readdirSync(locks), []);
    t.equal((await world.history.list()).length, 1);
  });

  await t.test('and one that was stopped', async (t) => {
    const stopped = world.other({ signal: AbortSignal.abort() });
    const error = await errorOf(t, stopped.add(world.backup, facts, {}));
    t.match(error, { kind: 'stopped', message: /restic was stopped/ });
  });
});

await t.test('a file that cannot be read fails the backup, and it is not kept', async (t) => {
  const world = historyWorld(t);
  const bad = join(world.backup, 'shop/bad');
  writeFileSync(bad, '');
  await execa('mount', ['--bind', '/proc/1/mem', bad]);
  try {
    const error = await errorOf(t, world.history.add(world.backup, facts, {}));
    t.match(error, {
      kind: 'unreadable',
      message: /not all of the backup could be read: .*shop\/bad/,
    });
  } finally {
    await execa('umount', [bad]);
  }
  t.same(await world.history.list(), []);
});

await t.test('damaged data is found by reading it back', async (t) => {
  const world = historyWorld(t);
  const { history, repository } = world;
  const { record, snapshot } = await history.add(world.backup, facts, {});
  const pack = largestPack(world);
  const bytes = readFileSync(pack);
  bytes[5000] = (bytes[5000] ?? 0) ^ 0xff;
  chmodSync(pack, 0o600);
  writeFileSync(pack, bytes);
  t.match(await history.check(record, 0), { checkedAt: /^20/ }, 'the structure is whole');
  const error = await errorOf(t, history.check(record, 100));
  t.match(error, {
    kind: 'damaged',
    message: /it is damaged: .*pack/i,
    next: /^restic -r .* check --read-data /,
  });
  const lost = await errorOf(t, history.restore(snapshot, join(world.base, 'lost')));
  t.match(lost, { kind: 'damaged' });
  const checked = { repository, checkedAt: new Date().toISOString() };
  t.equal(await history.check(checked, 100), checked, 'not due yet');
  await t.rejects(history.check({ ...checked, repository: '/another' }, 100));

  await t.test('a pack that is gone is not waited for', async (t) => {
    rmSync(pack);
    const since = performance.now();
    t.match(await errorOf(t, history.restore(snapshot, join(world.base, 'gone'))), {
      kind: 'damaged',
    });
    t.ok(performance.now() - since < 30_000);
    t.match(await errorOf(t, history.check(record, 0)), { kind: 'damaged' });
  });

  await t.test('no repository is made in the place of one that was there', async (t) => {
    rmSync(join(repository, 'config'));
    t.match(await errorOf(t, history.add(world.backup, facts, {})), {
      kind: 'damaged',
      message: /config is not there/,
    });
    renameSync(repository, `${repository}.away`);
    t.match(await errorOf(t, history.add(world.backup, facts, record)), {
      kind: 'missing',
      message: /it was there before; its disk is not mounted, or it was removed$/,
    });
    t.notOk(existsSync(repository));
  });
});

await t.test('a target that takes nothing', async (t) => {
  const world = historyWorld(t, 'mounted/repository');
  const mounted = join(world.base, 'mounted');
  mkdirSync(mounted);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'small', mounted]);
  t.teardown(async () => {
    await execa('umount', [mounted]);
  });
  const { record } = await world.history.add(world.backup, facts, {});
  writeFileSync(join(world.backup, 'shop/c.db'), noise(30_000_000, 3));

  await t.test('it is full', async (t) => {
    const error = await errorOf(t, world.history.add(world.backup, facts, record));
    t.match(error, { kind: 'full', message: /no room: .*no space left on device/, next: /^df -h/ });
    t.equal((await world.history.list()).length, 1);
    rmSync(join(world.backup, 'shop/c.db'));
    await world.history.add(world.backup, facts, record);
  });
  await t.test('it is read-only', async (t) => {
    await execa('mount', ['-o', 'remount,ro', mounted]);
    const since = performance.now();
    const error = await errorOf(t, world.history.add(world.backup, facts, record));
    t.match(error, { kind: 'unwritable', message: /it cannot be written: .*read-only/ });
    t.ok(performance.now() - since < 20_000, 'and not tried again for a quarter of an hour');
    t.match(await world.history.state(), { isMade: true, problem: { kind: 'unwritable' } });
  });
});

await t.test('a place that is away, hangs, or lets nobody in', async (t) => {
  const keys = { timeout_seconds: 3 };
  const away = historyWorld(t, 'rest:http://user:s3cret@127.0.0.1:1/').other({ keys });
  t.match(await errorOf(t, away.add('/', facts, {})), {
    kind: 'unreachable',
    message:
      /^history in rest:http:\/\/…@127\.0\.0\.1:1\/: it cannot be reached: .*connection refused/,
    next: /^restic -r rest:http:\/\/…@/,
  });
  t.match(await away.state(), { version: /^0\./, problem: { kind: 'unreachable' } });
  const hangs = await server(t, () => {});
  t.match(await errorOf(t, historyAt(t, hangs).list()), { kind: 'timed out' });
  const denies = await server(t, (status) => status(401));
  t.match(await errorOf(t, historyAt(t, denies).list()), { kind: 'denied' });
  const missing = historyWorld(t, 'rclone:nowhere:x').other({ keys });
  t.match(await errorOf(t, missing.list()), {
    kind: 'program missing',
    next: 'apt-get install rclone',
  });

  function historyAt(t: Test, url: string): HistoryHost {
    const world: HistoryWorld = historyWorld(t, `rest:${url}`);
    return world.other({ keys });
  }
});

/** A server that answers as it is told. */
async function server(t: Test, answer: (status: (code: number) => void) => void): Promise<string> {
  const listening: Server = createServer((_request, response) =>
    answer((code) => void response.writeHead(code).end()),
  );
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
  t.teardown(() => {
    listening.closeAllConnections();
    listening.close();
  });
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
}
