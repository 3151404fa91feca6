import {
  appendFileSync,
  chmodSync,
  chownSync,
  cpSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { loadLibc } from '../../src/host/native.ts';
import { backupWorld, createBackup } from '../support/backup-world.ts';
import { randomFrom, type Random } from '../support/random.ts';

interface Tree {
  readonly top: string;
  readonly random: Random;
}

/** Every entry of one kind below the top. */
function entries({ top }: Tree, isWanted: (isDirectory: boolean) => boolean): string[] {
  const found = readdirSync(top, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => isWanted(entry.isDirectory()))
    .map((entry) => join(entry.parentPath, entry.name));
}
const filesIn = (tree: Tree): string[] => entries(tree, (isDirectory) => !isDirectory);
const directoriesIn = (tree: Tree): string[] => [tree.top, ...entries(tree, Boolean)];

let count = 0;
const fresh = (tree: Tree): string =>
  join(
    tree.random.pick(directoriesIn(tree)),
    `n${++count} ${tree.random.pick(['a', 'ü', '*', '\n'])}`,
  );

/** What is done to a tree, each kind by itself. What cannot be done this time is left. */
const acts: readonly ((tree: Tree) => void)[] = [
  (tree) => writeFileSync(fresh(tree), 'new'),
  (tree) => appendFileSync(tree.random.pick(filesIn(tree)), 'more'),
  // The same size, and the time of before: only its inode tells.
  (tree) => {
    const file = tree.random.pick(filesIn(tree));
    const { atime, mtime, size } = statSync(file);
    writeFileSync(file, 'y'.repeat(size));
    lutimesSync(file, atime, mtime);
  },
  (tree) => truncateSync(tree.random.pick(filesIn(tree)), 100_000),
  (tree) => rmSync(tree.random.pick(filesIn(tree))),
  (tree) => mkdirSync(join(fresh(tree), 'deep/er'), { recursive: true }),
  (tree) => rmSync(tree.random.pick(directoriesIn(tree).slice(1)), { recursive: true }),
  (tree) => renameSync(tree.random.pick(filesIn(tree)), fresh(tree)),
  (tree) => renameSync(tree.random.pick(directoriesIn(tree).slice(1)), fresh(tree)),
  (tree) => {
    const [left, right] = [0, 1].map(() => tree.random.pick(directoriesIn(tree).slice(1)));
    loadLibc().exchange(left ?? '', right ?? '');
  },
  (tree) => linkSync(tree.random.pick(filesIn(tree)), fresh(tree)),
  (tree) => symlinkSync('elsewhere', fresh(tree)),
  (tree) => chmodSync(tree.random.pick(directoriesIn(tree)), 0o711),
  (tree) => chownSync(tree.random.pick(filesIn(tree)), 1234, 4321),
  // A file becomes a directory, and the other way round.
  (tree) => {
    const file = tree.random.pick(filesIn(tree));
    rmSync(file);
    mkdirSync(file);
    writeFileSync(join(file, 'inside'), 'x');
  },
  (tree) => {
    const directory = tree.random.pick(directoriesIn(tree).slice(1));
    rmSync(directory, { recursive: true });
    writeFileSync(directory, 'x');
  },
  // From outside: everything in it is old.
  (tree) => renameSync(join(dirname(tree.top), `old${tree.random.below(5)}`), fresh(tree)),
];

function disturb(tree: Tree, times: number): void {
  for (let index = 0; index < times; index++) {
    try {
      tree.random.pick(acts)(tree);
    } catch (error) {
      // Nothing there to do it to, or a directory into itself.
      if (!(error instanceof Error && 'code' in error) && !(error instanceof RangeError))
        throw error;
    }
  }
}

/** What rsync, reading every byte, would still have to do. */
async function differences(from: string, to: string): Promise<string> {
  const args = ['-aHAXSnic', '--numeric-ids', '--modify-window=-1', '--delete', '--'];
  return (await execa('rsync', [...args, `${from}/`, `${to}/`])).stdout;
}

async function prepare(t: Test, seed: number) {
  const random = randomFrom(seed);
  const world = await backupWorld(t);
  const outside = dirname(world.volume);
  for (let index = 0; index < 40; index++) {
    const file = join(world.volume, `d${index % 7}/e${index % 3}`, `f${index}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `content ${index}`);
  }
  for (let index = 0; index < 5; index++)
    cpSync(join(world.volume, 'd0'), join(outside, `old${index}`), { recursive: true });
  return { seed, random, world, tree: { top: world.volume, random } };
}

await t.test('what is done between the copies is in the second, whatever it is', async (t) => {
  const seeds = Array.from({ length: 25 }, (_, index) => index + 1);
  const cases = await Promise.all(seeds.map((seed) => prepare(t, seed)));
  // What was written to a moment ago is compared anyway.
  await wait(2200);
  for (const { seed, random, world, tree } of cases) {
    const draft = await world.host.begin('B1', [world.host.workTree, world.source], 2, [], []);
    await world.host.copy(draft, 60);
    disturb(tree, random.below(12));
    await world.host.distrust(draft);
    disturb(tree, random.below(12));
    await world.host.copyChanged(draft, 60);
    const copy = join(draft.directory, 'volumes/data');
    t.equal(await differences(world.volume, copy), '', `seed ${seed}`);
  }
});

await t.test(
  'the manifest of a backup that was begun with another is that of a walk',
  async (t) => {
    const seeds = Array.from({ length: 12 }, (_, index) => index + 101);
    const cases = await Promise.all(seeds.map((seed) => prepare(t, seed)));
    const make = ({ world }: (typeof cases)[number], name: string) =>
      createBackup(world, name, { keep: 2, sources: [world.source] });
    for (const one of cases) for (const name of ['B1', 'B2']) await make(one, name);
    // What was written to at about the time of a backup is looked at anyway.
    await wait(2200);
    for (const one of cases) {
      for (const name of ['B3', 'B4', 'B5']) {
        disturb(one.tree, one.random.below(15));
        const before = await one.world.host.list();
        const manifest = await make(one, name);
        t.same(await one.world.host.verify(manifest), [], `seed ${one.seed}, ${name}`);
        t.equal(before.at(-1)?.name === 'B1', name === 'B3', 'the oldest is taken');
      }
    }
  },
);
