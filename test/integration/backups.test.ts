import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import { backupWorld, createBackup, facts } from '../support/backup-world.ts';
import { isRoot, owner, ownersDirectory } from '../support/git-world.ts';
import { setXattr, treeFacts } from '../support/tree-facts.ts';

await t.test('a copy keeps every bit: modes, owners, times, links, xattrs', async (t) => {
  const { root, backups, host, progress } = await backupWorld(t);
  const at = (path: string): string => join(root, path);
  writeFileSync(at('autonomy/data/one'), 'linked\n', { mode: 0o640 });
  linkSync(at('autonomy/data/one'), at('autonomy/two'));
  symlinkSync('../nowhere', at('autonomy/dangling'));
  symlinkSync('/etc/passwd', at('autonomy/absolute'));
  writeFileSync(at('autonomy/ü\n name'), '');
  await execa('sh', ['-c', 'mkfifo "$1"', 'sh', at('autonomy/pipe')]);
  await setXattr(at('autonomy/.env'), 'user.note', 'kept');
  if (isRoot) {
    chownSync(at('autonomy/.env'), 999, 998);
    chownSync(at('autonomy'), owner.uid, owner.gid);
  }
  chmodSync(at('autonomy/data'), 0o2770);
  utimesSync(at('autonomy/compose.yaml'), 1_000_000_000, 1_000_000_000);
  const before = await treeFacts(at('autonomy'));
  t.match(before.join('\n'), /0o42770/);
  t.match(before.join('\n'), /user\.note/);

  await createBackup({ host }, 'B1');
  t.same(await treeFacts(join(backups, 'B1/autonomy')), before);
  t.same(await treeFacts(at('autonomy')), before, 'and the source is as it was');
  t.not(
    statSync(join(backups, 'B1/autonomy/two')).ino,
    statSync(at('autonomy/two')).ino,
    'a copy shares no inode with its source',
  );
  t.equal(progress[0], 'measuring what is to be backed up');
});

await t.test('the manifest tells what it is, and `latest` points to the newest', async (t) => {
  const { backups, host } = await backupWorld(t);
  const manifest = await createBackup({ host }, 'B1');
  t.match(manifest, {
    schema: 2,
    name: 'B1',
    commit: facts.commit,
    project: 'autonomy',
    projectPath: 'autonomy',
    images: facts.images,
  });
  t.ok(manifest.files >= 5 && manifest.sizeBytes > 0);
  t.same(
    JSON.parse(readFileSync(join(backups, 'B1/manifest.json'), 'utf8')),
    JSON.parse(JSON.stringify(manifest)),
  );
  t.equal(readlinkSync(join(backups, 'latest')), 'B1');
  await createBackup({ host }, 'B2');
  t.equal(readlinkSync(join(backups, 'latest')), 'B2');
  t.equal(
    readFileSync(join(backups, 'latest/autonomy/.env'), 'utf8'),
    'SECRET=1\n',
    'the way a person goes there by hand',
  );
  t.same(
    (await host.list()).map(({ name }) => name),
    ['B2', 'B1'],
  );
  t.same(readdirSync(backups).toSorted(byText), ['B1', 'B2', 'latest'], 'and nothing else is left');
});

await t.test('backups are not backed up, wherever they lie', async (t) => {
  const inside = await backupWorld(t);
  await createBackup(inside, 'B1');
  await createBackup(inside, 'B2');
  t.notOk(existsSync(join(inside.backups, 'B2/backups')));
  mkdirSync(join(inside.root, 'autonomy/backups'));
  await createBackup(inside, 'B3');
  t.ok(existsSync(join(inside.backups, 'B3/autonomy/backups')), 'another of that name is');

  const outside = await backupWorld(t, {
    backups: join(ownersDirectory(t, 'elsewhere'), 'deep/er'),
  });
  mkdirSync(join(outside.root, 'backups'));
  await createBackup(outside, 'B1');
  t.ok(existsSync(join(outside.backups, 'B1/backups')));
  t.ok(existsSync(join(outside.backups, 'latest/autonomy/compose.yaml')));
});

await t.test('a work tree that is the project itself is copied under its name', async (t) => {
  const { backups, host } = await backupWorld(t, { project: '' });
  const manifest = await createBackup({ host }, 'B1');
  t.equal(manifest.projectPath, 'operation');
  t.ok(existsSync(join(backups, 'B1/operation/autonomy/compose.yaml')));
});

await t.test(
  'a repository with a manifest.json of its own keeps it under another name',
  async (t) => {
    const { root, backups, host } = await backupWorld(t);
    writeFileSync(join(root, 'manifest.json'), '{"mine": true}');
    mkdirSync(join(root, 'web'));
    writeFileSync(join(root, 'web/manifest.json'), '{"short_name": "x"}');
    await createBackup({ host }, 'B1');
    t.match(JSON.parse(readFileSync(join(backups, 'B1/manifest.json'), 'utf8')), { name: 'B1' });
    const kept = readFileSync(join(backups, 'B1/work-tree.manifest.json'), 'utf8');
    t.equal(kept, '{"mine": true}');
    t.ok(existsSync(join(backups, 'B1/web/manifest.json')));
  },
);

await t.test('a copy that fails leaves no backup, and `latest` where it was', async (t) => {
  const { backups, host } = await backupWorld(t);
  await createBackup({ host }, 'B1');
  mkdirSync(join(backups, 'B2/in the way'), { recursive: true });
  await t.rejects(createBackup({ host }, 'B2'));
  t.equal(readlinkSync(join(backups, 'latest')), 'B1');
  t.same(
    (await host.list()).map(({ name }) => name),
    ['B1'],
  );
  t.ok(existsSync(join(backups, '.partial-B2')));
  await host.removePartial('B2');
  await host.removePartial('B2');
  t.notOk(existsSync(join(backups, '.partial-B2')));
});

await t.test('a partial copy of the same name is begun anew', async (t) => {
  const { backups, host } = await backupWorld(t);
  mkdirSync(join(backups, '.partial-B1/autonomy'), { recursive: true });
  writeFileSync(join(backups, '.partial-B1/autonomy/stale'), 'x');
  await createBackup({ host }, 'B1');
  t.notOk(existsSync(join(backups, 'B1/autonomy/stale')));
});

await t.test(
  'prune keeps the newest, never takes latest, and clears what was cut short',
  async (t) => {
    const { backups, host } = await backupWorld(t);
    for (const name of ['B1', 'B2', 'B3', 'B4']) await createBackup({ host }, name);
    rmSync(join(backups, 'latest'));
    symlinkSync('B1', join(backups, 'latest'));
    mkdirSync(join(backups, '.partial-old/x'), { recursive: true });
    mkdirSync(join(backups, 'mine'));
    writeFileSync(join(backups, 'mine/manifest.json'), '{"schema": 1, "name": "other"}');
    t.same(await host.prune(2, []), ['B2']);
    t.same(readdirSync(backups).toSorted(byText), ['B1', 'B3', 'B4', 'latest', 'mine']);
    t.same(await host.prune(2, []), []);
  },
);

await t.test('what is not whole, or was renamed, is not listed', async (t) => {
  const { backups, host } = await backupWorld(t);
  await createBackup({ host }, 'B1');
  await createBackup({ host }, 'B2');
  rmSync(join(backups, 'B1/manifest.json'));
  renameSync(join(backups, 'B2'), join(backups, 'moved'));
  mkdirSync(join(backups, 'B3'));
  writeFileSync(join(backups, 'B3/manifest.json'), '{"schema": 1, ');
  t.same(await host.list(), []);
  const elsewhere = await backupWorld(t, { backups: '/nonexistent/backups' });
  t.same(await elsewhere.host.list(), []);
  t.same(await elsewhere.host.prune(1, []), []);
});

await t.test('no room: refused with the numbers, nothing is written', async (t) => {
  const { backups, host } = await backupWorld(t, {
    keys: { backup: { reserve_mb: 9_000_000_000 } },
  });
  await t.rejects(createBackup({ host }, 'B1'), {
    name: 'RefusedError',
    message: /no room for a backup in .*: \d+ MB needed .*reserve of 9000000000 MB.*, \d+ MB free/,
  });
  t.same(readdirSync(backups), []);
});

await t.test('a backups directory that is a link, or a file, is refused', async (t) => {
  const { root, backups, host } = await backupWorld(t);
  const elsewhere = ownersDirectory(t, 'elsewhere');
  symlinkSync(elsewhere, backups);
  await t.rejects(createBackup({ host }, 'B1'), { message: /not a directory but a symbolic link/ });
  t.same(readdirSync(elsewhere), []);
  rmSync(backups);
  writeFileSync(backups, '');
  await t.rejects(createBackup({ host }, 'B1'), { message: /backups is not a directory$/ });
  t.ok(lstatSync(root).isDirectory());
});

function byText(left: string, right: string): number {
  return left.localeCompare(right, 'en');
}
