import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { isRoot } from '../support/git-world.ts';
import {
  byHand,
  copyBackup,
  errorOf,
  facts,
  historyWorld,
  noise,
  PASSWORD,
  type HistoryFailure,
} from '../support/history-world.ts';
import { setXattr, treeFacts } from '../support/tree-facts.ts';

if (!isRoot) t.bailout('the files with the secrets must be root’s');

await t.test('the first backup makes the repository; the next adds what changed', async (t) => {
  const world = historyWorld(t);
  const { history, progress } = world;
  t.match(await history.state(), { isMade: false, problem: undefined, snapshots: [] });
  const first = await history.add(world.backup, facts, {});
  t.match(first, { isNew: true, filesRead: 203, filesUnmodified: 0 });
  t.same(first.record, { repository: world.repository, snapshot: first.snapshot });
  t.ok(first.addedBytes > 9_000_000 && first.totalBytes > 10_000_000, 'noise is not compressed');
  t.match(progress[0], ['adding the backup to the history']);

  const copy = await copyBackup(world, 'B2');
  for (const name of ['7', '8']) writeFileSync(join(copy, 'shop/data', name), noise(10_000, 9999));
  // The first is gone, as after a prune of the backups.
  rmSync(world.backup, { recursive: true });
  const later = new Date('2026-01-02T04:04:05Z');
  const second = await history.add(copy, { ...facts, name: 'B2', at: later }, first.record);
  t.match(second, { isNew: false, filesRead: 3, filesUnmodified: 200 });
  t.ok(second.addedBytes < 100_000, `${second.addedBytes} bytes were added`);
  t.equal(second.totalBytes, first.totalBytes);

  t.same(await history.list(), [
    { ...facts, name: 'B2', at: later.toISOString(), host: 'vm', snapshot: second.snapshot },
    { ...facts, at: facts.at.toISOString(), host: 'vm', snapshot: first.snapshot },
  ]);
  t.ok((await history.size()) > 9_000_000);
  const state = await history.state();
  // Later ones say nothing in their first second.
  if (state.version === '0.14.0') t.ok(progress.some(([, bytes]) => (bytes?.total ?? 0) > 0));
  t.match(state, {
    version: /^0\.\d+\.\d+$/,
    isMade: true,
    problem: undefined,
    locks: [],
    snapshots: [{ name: 'B2' }, { name: 'B1' }],
  });
  t.ok(existsSync(join(world.base, 'cache/restic')));
  await t.test('where the last one is not there any more, it is looked for', async (t) => {
    const record = { ...first.record, snapshot: 'deadbeef' };
    const again = await history.add(copy, { ...facts, name: 'B2b' }, record);
    t.match(again, { isNew: false, filesRead: 0, filesUnmodified: 203 });
    await byHand(world, ['forget', again.snapshot]);
  });
  await t.test('another host of that name sees it all, and begins from it', async (t) => {
    const elsewhere = world.other({ host: 'new-vm' });
    t.equal((await elsewhere.list()).length, 2);
    const third = await elsewhere.add(copy, { ...facts, name: 'B3' }, {});
    t.match(third, { isNew: false, filesRead: 0, filesUnmodified: 203 });
  });
});

await t.test('what is restored is the same in every bit', async (t) => {
  const world = historyWorld(t);
  const { backup, history } = world;
  const file = (path: string): string => join(backup, 'shop', path);
  mkdirSync(file('pg'));
  writeFileSync(file('pg/one'), 'linked\n', { mode: 0o640 });
  linkSync(file('pg/one'), file('two'));
  symlinkSync('../nowhere', file('dangling'));
  writeFileSync(file('ü\n name'), '');
  await execa('mkfifo', [file('pipe')]);
  await execa('setcap', ['cap_net_raw+ep', file('pg/one')]).catch(() => {});
  await setXattr(file('pg/one'), 'user.note', 'kept');
  writeFileSync(file('sparse'), 'begin');
  truncateSync(file('sparse'), 50_000_000);
  writeFileSync(file('setuid'), '');
  chownSync(file('setuid'), 999, 998);
  chmodSync(file('setuid'), 0o4750);
  chmodSync(file('pg'), 0o2700);
  chownSync(file('pg'), 999, 998);
  utimesSync(file('pg'), 1_000_000_000, 1_000_000_000);
  const before = await treeFacts(backup);
  const { snapshot } = await history.add(backup, facts, {});

  const target = join(world.base, 'restored/here');
  await history.restore(snapshot, target);
  t.same(await treeFacts(target), before);
  t.equal(statSync(target).mode & 0o777, 0o700, 'nobody else looks into it');
  const { version = '' } = await history.state();
  const blocks = statSync(join(target, 'shop/sparse')).blocks;
  if (version !== '0.14.0') t.ok(blocks < 10_000, `${blocks} blocks`);

  const full = await errorOf(t, history.restore(snapshot, target));
  t.match(full, { name: 'RefusedError', message: /is not empty/ });
  const none = await errorOf(t, history.restore('deadbeef', join(world.base, 'none')));
  t.match(none, { kind: 'unknown', message: /no matching ID/, next: /^restic -r .* snapshots/ });
});

await t.test('only what is ours is forgotten, by rule, when it is due', async (t) => {
  const world = historyWorld(t);
  const keep = { hourly: 0, daily: 2, weekly: 0, monthly: 0 };
  let now = new Date('2026-01-10T00:00:00Z');
  const history = world.other({ keys: { keep }, now: () => now });
  let record = {};
  for (const day of ['01', '02', '03']) {
    const name = `B${day}`;
    const added = { ...facts, name, at: new Date(`2026-01-${day}T12:00:00Z`) };
    ({ record } = await history.add(await copyBackup(world, name), added, record));
  }
  await world.other({ host: 'other' }).add(world.backup, { ...facts, name: 'other' }, {});
  await byHand(world, ['backup', '--host', 'vm', '--tag', 'mine', 'shop'], world.backup);
  const all = async (): Promise<number> => {
    const { stdout } = await byHand(world, ['snapshots', '--json']);
    return (JSON.parse(stdout) as unknown[]).length;
  };
  t.equal(await all(), 5);
  const pruned = await history.forget(record);
  t.match(pruned, { repository: world.repository, prunedAt: now.toISOString() });
  const names = (await history.list()).map(({ name }) => name);
  t.same(names.toSorted(), ['B02', 'B03', 'other']);
  t.equal(await all(), 4, 'and the one that somebody else made');

  await history.add(world.backup, { ...facts, name: 'B04', at: now }, pruned);
  now = new Date('2026-01-10T23:00:00Z');
  t.equal(await history.forget(pruned), pruned, 'not yet');
  t.equal((await history.list()).length, 4);
  now = new Date('2026-01-11T00:00:00Z');
  t.match(await history.forget(pruned), { prunedAt: now.toISOString() });
  t.equal((await history.list()).length, 3);
});

await t.test('the files with the secrets', async (t) => {
  const world = historyWorld(t);
  const { history, passwordFile } = world;
  const { record } = await history.add(world.backup, facts, {});
  const adding = async (): Promise<HistoryFailure> =>
    errorOf(t, history.add(world.backup, facts, record));

  await t.test('a wrong password is no reason for a new repository', async (t) => {
    writeFileSync(passwordFile, 's3cret-but-wrong\n');
    t.match(await adding(), { kind: 'wrong password', message: new RegExp(passwordFile) });
    t.match(await history.state(), { problem: { kind: 'wrong password' }, isMade: false });
    writeFileSync(passwordFile, '');
    t.match(await adding(), {
      name: 'ConfigError',
      message: /\(history\.password_file\) is empty$/,
    });
    writeFileSync(passwordFile, `${PASSWORD}\n`);
  });
  await t.test('nobody else may read them', async (t) => {
    chmodSync(passwordFile, 0o640);
    t.match(await adding(), {
      message: `${passwordFile} (history.password_file) can be read by others (mode 0640)`,
      next: `chmod 600 ${passwordFile}`,
    });
    chmodSync(passwordFile, 0o600);
    chownSync(passwordFile, 1234, 0);
    t.match(await adding(), {
      message: /belongs to user 1234/,
      next: `chown root: ${passwordFile}`,
    });
    chownSync(passwordFile, 0, 0);
  });
  await t.test('they are files', async (t) => {
    renameSync(passwordFile, `${passwordFile}.real`);
    t.match(await adding(), { message: /is not there$/, next: /^install -m 600/ });
    symlinkSync(`${passwordFile}.real`, passwordFile);
    t.match(await adding(), { message: /is a symbolic link$/, next: /readlink -f/ });
    rmSync(passwordFile);
    await execa('mkfifo', ['-m', '600', passwordFile]);
    t.match(await adding(), { message: /is not a regular file$/ });
    rmSync(passwordFile);
    renameSync(`${passwordFile}.real`, passwordFile);
  });
  await t.test('no process has one among its arguments', async (t) => {
    const file = join(world.base, 'environment');
    writeFileSync(file, 'AWS_SECRET_ACCESS_KEY=s3cret-key\n', { mode: 0o600 });
    const other = world.other({ keys: { environment_file: file } });
    const seen: string[] = [];
    const timer = setInterval(() => seen.push(...commandLines()), 5);
    await other.add(world.backup, facts, record);
    clearInterval(timer);
    t.ok(seen.some((line) => line.includes('backup')));
    t.notMatch(seen.join('\n'), new RegExp(`s3cret|${PASSWORD}|${world.repository}`));
    chmodSync(file, 0o604);
    t.match(await errorOf(t, other.list()), { next: `chmod 600 ${file}` });
  });
});

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return /(^|\0)restic\0/.test(line) ? [line] : [];
      } catch {
        return [];
      }
    });
}
