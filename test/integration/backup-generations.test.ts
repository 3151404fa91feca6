import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { execa } from 'execa';
import t, { type Test } from 'tap';
import { backupWorld, createBackup, type BackupWorld } from '../support/backup-world.ts';

/** A world with a volume, and `count` backups of it. */
async function withBackups(t: Test, count: number, keep = 2): Promise<BackupWorld> {
  const world = await backupWorld(t);
  mkdirSync(join(world.volume, 'sub'), { recursive: true });
  writeFileSync(join(world.volume, 'sub/data'), 'as it was');
  writeFileSync(join(world.volume, 'other'), 'other');
  for (let number = 1; number <= count; number++) await make(world, `B${number}`, keep);
  return world;
}

const make = (world: BackupWorld, name: string, keep = 2, inUse: string[] = []) =>
  createBackup(world, name, { keep, inUse, sources: [world.source] });

const inBackup = (world: BackupWorld, name: string, file: string): string =>
  join(world.backups, name, 'volumes/data', file);

/** Another content of the same size; the file says that it was written when it was. */
async function rewrite(file: string, text: string | Buffer): Promise<void> {
  // Not beside it: the directory says when it was written to, too.
  const reference = join(tmpdir(), `reference-${process.pid}`);
  await execa('touch', ['-r', file, reference]);
  writeFileSync(file, text);
  await execa('touch', ['-r', reference, file]);
  rmSync(reference);
}

const verify = async (world: BackupWorld, name: string): Promise<string[]> => {
  const manifest = (await world.host.list()).find((one) => one.name === name);
  return manifest ? world.host.verify(manifest) : ['it is not listed'];
};

await t.test('what was backed up is told from what was not', async (t) => {
  const world = await withBackups(t, 1);
  t.same(await verify(world, 'B1'), []);
  const at = (file: string): string => inBackup(world, 'B1', file);
  await rewrite(at('sub/data'), 'As it was');
  rmSync(at('other'));
  writeFileSync(at('more'), '');
  const problems = await verify(world, 'B1');
  t.match(problems.join('\n'), /^volumes\/data\/more is not in the manifest$/m);
  t.match(problems.join('\n'), /^volumes\/data\/other is missing$/m);
  t.match(problems.join('\n'), /^volumes\/data\/sub\/data: its content differs$/m);
  const mtree = join(world.backups, 'B1/manifest.mtree');
  writeFileSync(mtree, readFileSync(mtree, 'utf8').replace('other', 'anotr'));
  t.match(await verify(world, 'B1'), [/manifest\.mtree is not what manifest\.json says/]);
});

await t.test('the oldest is made the newest, and shares nothing with the others', async (t) => {
  const world = await withBackups(t, 2);
  const inode = statSync(inBackup(world, 'B1', 'other')).ino;
  writeFileSync(join(world.volume, 'sub/data'), 'as it is now');
  rmSync(join(world.volume, 'other'));
  writeFileSync(join(world.volume, 'new'), 'new');
  await make(world, 'B3');
  t.same(readdirSync(world.backups).toSorted(), ['B2', 'B3', 'latest']);
  t.equal(statSync(inBackup(world, 'B3', 'sub')).isDirectory(), true);
  t.equal(readFileSync(inBackup(world, 'B3', 'sub/data'), 'utf8'), 'as it is now');
  t.equal(readFileSync(inBackup(world, 'B2', 'sub/data'), 'utf8'), 'as it was');
  t.notOk(existsSync(inBackup(world, 'B3', 'other')), 'what is gone is gone');
  t.same(await verify(world, 'B3'), []);
  t.same(await verify(world, 'B2'), []);
  writeFileSync(join(world.volume, 'again'), '');
  await make(world, 'B4');
  t.equal(statSync(inBackup(world, 'B4', 'new'), { throwIfNoEntry: false })?.isFile(), true);
  t.not(inode, statSync(inBackup(world, 'B4', 'new')).ino);
});

await t.test('a volume that is new since the backup it is begun with', async (t) => {
  const world = await backupWorld(t);
  for (const name of ['B1', 'B2']) await createBackup(world, name, { keep: 2 });
  mkdirSync(world.volume);
  writeFileSync(join(world.volume, 'first'), 'first');
  await make(world, 'B3');
  t.equal(readFileSync(inBackup(world, 'B3', 'first'), 'utf8'), 'first');
  t.same(await verify(world, 'B3'), []);
  await createBackup(world, 'B4', { keep: 2 });
  await createBackup(world, 'B5', { keep: 2 });
  t.notOk(existsSync(join(world.backups, 'B5/volumes/data')), 'and one that is gone');
});

await t.test('a file that was written to and looks the same is copied all the same', async (t) => {
  const world = await withBackups(t, 2);
  const file = join(world.volume, 'sub/data');
  await rewrite(file, 'As It Was');
  await make(world, 'B3');
  t.equal(readFileSync(inBackup(world, 'B3', 'sub/data'), 'utf8'), 'As It Was');
  t.same(await verify(world, 'B3'), []);
});

await t.test('the same between the first copy and the one while nobody writes', async (t) => {
  const world = await withBackups(t, 0);
  const draft = await world.host.begin('B1', [world.host.workTree, world.source], 2, [], []);
  await world.host.copy(draft, 60);
  const file = join(world.volume, 'sub/data');
  await rewrite(file, 'As It Was');
  await world.host.distrust(draft);
  await world.host.copyChanged(draft, 60);
  t.equal(readFileSync(join(draft.directory, 'volumes/data/sub/data'), 'utf8'), 'As It Was');
});

await t.test('what rotted on the disk is not taken over', async (t) => {
  const world = await withBackups(t, 0);
  // What was written to at about the time of a backup is copied by the next whatever it looks like.
  await wait(2100);
  for (const name of ['B1', 'B2']) await make(world, name);
  // Each backup reads a part of the files again: 61 days see all of them.
  const rotten = inBackup(world, 'B1', 'other');
  await rewrite(rotten, 'OTHER');
  await wait(30);
  const found = [false];
  for (let day = 0; day < 61 && !found.slice(-2).every(Boolean); day++) {
    // Two are kept, and begun with in turns.
    for (const name of [`C${day}`, `D${day}`]) {
      world.day(day);
      await make(world, name);
      found.push(readFileSync(inBackup(world, name, 'other'), 'utf8') === 'other');
    }
  }
  t.same(found.slice(-2), [true, true]);
  t.match(world.progress.join('\n'), /other of the backup .* is not what was written there/);
});

/** The cycle of samples: what each part has read, and what it has found. */
async function samples(world: BackupWorld, name: string, of = 7) {
  const manifest = (await world.host.list()).find((one) => one.name === name);
  if (!manifest) throw new Error(`no backup ${name}`);
  const found = [];
  for (let number = 1; number <= of; number++) {
    found.push(await world.host.sample(manifest, { number, of }));
  }
  return found;
}

await t.test(
  'a cycle of samples reads every byte once, and finds the one that flipped',
  async (t) => {
    const world = await withBackups(t, 0);
    for (let file = 0; file < 60; file++) {
      writeFileSync(join(world.volume, `sub/${file}`), `${file}`.repeat(1 + file * 20));
    }
    writeFileSync(join(world.volume, 'large'), Buffer.alloc(3_000_000, 1));
    linkSync(join(world.volume, 'sub/7'), join(world.volume, 'linked'));
    await make(world, 'B1');
    const good = await samples(world, 'B1');
    t.same(
      good.flatMap(({ problems }) => problems),
      [],
    );
    const { stdout } = await execa('find', [
      join(world.backups, 'B1'),
      '-type',
      'f',
      '-printf',
      '%s\n',
    ]);
    const mtree = statSync(join(world.backups, 'B1/manifest.mtree')).size;
    const json = statSync(join(world.backups, 'B1/manifest.json')).size;
    const total = stdout.split('\n').reduce((sum, size) => sum + Number(size), 0) - mtree - json;
    const read = good.reduce((sum, { bytes }) => sum + bytes, 0);
    const linked = statSync(inBackup(world, 'B1', 'linked')).size;
    t.ok(read === total || read === total - linked, `${read} of ${total} bytes`);
    t.ok(
      good.every(({ files, bytes }) => files > 2 && bytes < total),
      'each time a part',
    );
    for (const [file, names] of [
      ['sub/0', ['sub/0']],
      ['sub/33', ['sub/33']],
      ['large', ['large']],
      ['linked', ['linked', 'sub/7']],
    ] as const) {
      const path = inBackup(world, 'B1', file);
      const kept = readFileSync(path);
      const rotten = Buffer.from(kept);
      rotten[kept.length - 1] = (kept.at(-1) ?? 0) ^ 1;
      await rewrite(path, rotten);
      const found = (await samples(world, 'B1')).flatMap(({ problems }) => problems);
      const expected = names.map((name) => `volumes/data/${name}: its content differs`);
      t.same([...new Set(found)].toSorted(), expected, file);
      await rewrite(path, kept);
    }
    rmSync(inBackup(world, 'B1', 'sub/5'));
    const missing = await samples(world, 'B1');
    t.ok(
      missing.every(({ problems }) => problems.includes('volumes/data/sub/5 is missing')),
      'what can be seen without reading is seen each time',
    );
  },
);

await t.test('a sample is stopped, and takes no longer than it may', async (t) => {
  const world = await backupWorld(t, { keys: { timeouts: { backup_seconds: 1 } } });
  const manifest = await createBackup(world, 'B1');
  const real = performance.now.bind(performance);
  t.teardown(() => void (performance.now = real));
  let ahead = 0;
  performance.now = () => real() + (ahead += 600);
  await t.rejects(world.host.sample(manifest, { number: 1, of: 1 }), {
    message: 'it was given up after 1 s',
    next: /timeouts\.backup_seconds/,
  });
});

await t.test('one that is known to be damaged is no beginning of another', async (t) => {
  const world = await withBackups(t, 3, 3);
  await rewrite(inBackup(world, 'B1', 'other'), 'OTHER');
  world.damaged.add('B1');
  await wait(30);
  await make(world, 'B4', 3);
  t.ok(existsSync(inBackup(world, 'B1', 'other')), 'it was left as it is');
  for (const name of ['B2', 'B3', 'B4']) {
    t.same(await verify(world, name), [], name);
    t.equal(readFileSync(inBackup(world, name, 'other'), 'utf8'), 'other');
  }
  t.same(await world.host.prune(3, []), ['B1']);
});

await t.test('the last good one outlives damaged ones', async (t) => {
  const world = await withBackups(t, 4, 9);
  for (const name of ['B2', 'B3', 'B4']) world.damaged.add(name);
  t.same(await world.host.prune(2, []), ['B2'], 'the oldest of the damaged');
  t.same(readdirSync(world.backups).toSorted(), ['B1', 'B3', 'B4', 'latest']);
  await make(world, 'B5', 2);
  t.ok(existsSync(join(world.backups, 'B1/manifest.json')), 'nor is another begun with it');
  t.same(await world.host.prune(1, []), ['B4', 'B3', 'B1']);
});

await t.test('what a container runs from stays as it is', async (t) => {
  const world = await withBackups(t, 2);
  const used = [join(world.backups, 'B1/autonomy/data')];
  await make(world, 'B3', 2, used);
  t.ok(existsSync(join(world.backups, 'B1/manifest.json')), 'not begun with it');
  t.same(await world.host.prune(1, used), ['B2']);
  t.equal(readlinkSync(join(world.backups, 'latest')), 'B3');
  await make(world, 'B4', 5, [join(world.backups, 'latest/autonomy/data')]);
  t.equal(readlinkSync(join(world.backups, 'latest')), 'B3', 'nor does `latest` mean another');
  t.match(world.progress.join('\n'), /a container has mounted .*latest: it goes on meaning B3/);
});

await t.test('names of ours at the top of a work tree', async (t) => {
  const world = await withBackups(t, 0);
  mkdirSync(join(world.root, 'volumes/data'), { recursive: true });
  writeFileSync(join(world.root, 'volumes/data/theirs'), 'theirs');
  writeFileSync(join(world.root, 'RUN.sh'), 'theirs');
  await make(world, 'B1');
  const at = (path: string): string => readFileSync(join(world.backups, 'B1', path), 'utf8');
  t.equal(at('work-tree.volumes/data/theirs'), 'theirs');
  t.equal(at('work-tree.RUN.sh'), 'theirs');
  t.match(at('RUN.sh'), /^#!\/bin\/sh/);
  t.equal(at('volumes/data/sub/data'), 'as it was');
  t.same(await verify(world, 'B1'), []);
});

await t.test('laid out into a directory, once', async (t) => {
  const world = await withBackups(t, 1);
  const [manifest] = await world.host.list();
  if (!manifest) throw new Error('no backup');
  const target = join(world.root, '../restored');
  t.same(await world.host.restore(manifest, target), []);
  t.equal(readFileSync(join(target, 'volumes/data/sub/data'), 'utf8'), 'as it was');
  t.equal(statSync(target).mode & 0o777, 0o755, 'as the backup');
  await t.rejects(world.host.restore(manifest, target), { message: /is not empty/ });
  appendFileSync(inBackup(world, 'B1', 'other'), 'x');
  rmSync(target, { recursive: true });
  t.match(await world.host.restore(manifest, target), [
    /volumes\/data\/other: its content differs/,
  ]);
});
