import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import t from 'tap';
import { backupWorld, createBackup } from '../support/backup-world.ts';

await t.test('a volume whose directory is a link is copied as what it leads to', async (t) => {
  const world = await backupWorld(t);
  mkdirSync(join(world.volume, 'sub'), { recursive: true });
  writeFileSync(join(world.volume, 'sub/data'), 'as it was');
  const path = join(world.root, '../link');
  symlinkSync(world.volume, path);
  await wait(2100);
  const source = { ...world.source, path };
  const draft = await world.host.begin('B1', [world.host.workTree, source], 2, [], []);
  t.ok(draft.files > 3, 'it is measured');
  await world.host.copy(draft, 60);
  writeFileSync(join(world.volume, 'sub/late'), 'late');
  await world.host.copyChanged(draft, 60);
  t.equal(readFileSync(join(draft.directory, 'volumes/data/sub/late'), 'utf8'), 'late');
});

await t.test('names of ours in a project that is the whole repository', async (t) => {
  const world = await backupWorld(t, { project: '' });
  const file = join(world.root, 'volumes/data');
  mkdirSync(join(world.root, 'volumes'));
  writeFileSync(file, 'as it was');
  for (const name of ['B1', 'B2']) await createBackup(world, name, { keep: 2 });
  // The same size, and the time of before: only its inode tells.
  const reference = join(world.root, '../reference');
  await execa('touch', ['-r', file, reference]);
  writeFileSync(file, 'As It Was');
  await execa('touch', ['-r', reference, file]);
  const manifest = await createBackup(world, 'B3', { keep: 2 });
  const copy = join(world.backups, 'B3', 'operation/volumes/data');
  t.equal(readFileSync(copy, 'utf8'), 'As It Was');
  t.same(await world.host.verify(manifest), []);
});
