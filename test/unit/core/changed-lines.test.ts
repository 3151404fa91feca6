import t from 'tap';
import { changedLines, type ChangedEntry } from '../../../src/core/changed-lines.ts';
import { orderOf } from '../../../src/core/mtree.ts';
import { randomFrom } from '../../support/random.ts';

/** A tree: what each path is, and a number that is new whenever something was done to it. */
type Tree = Map<string, { isDirectory: boolean; at: number }>;

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const isWithin = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`);
const lineOf = (tree: Tree, path: string): string => `./${path} at=${tree.get(path)?.at}`;
const linesOf = (tree: Tree): string[] =>
  [...tree.keys()]
    .filter((path) => path !== '')
    .toSorted(orderOf)
    .map((path) => lineOf(tree, path));

/** What becomes of a tree: entries are made, written to, removed, and take each other's places. */
function disturb(tree: Tree, at: number, random: ReturnType<typeof randomFrom>): void {
  const paths = [...tree.keys()];
  const path = random.pick(paths);
  const found = tree.get(path);
  const directory = found?.isDirectory === true ? path : parentOf(path);
  const act = random.below(4);
  if (act === 0) {
    // Names that sort before a slash, and after it.
    const made = `${directory}/${random.pick(['a', 'a!', 'b', 'a.b', 'z'])}`.replace(/^\//, '');
    for (const one of tree.keys()) if (isWithin(one, made)) tree.delete(one);
    tree.set(made, { isDirectory: random.below(2) === 0, at });
    tree.set(parentOf(made), { isDirectory: true, at });
  } else if (act === 1 && path !== '') {
    for (const one of paths) if (isWithin(one, path)) tree.delete(one);
    tree.set(parentOf(path), { isDirectory: true, at });
  } else if (found) {
    tree.set(path, { ...found, at });
  }
}

await t.test('lines by what changed are those of a walk', async (t) => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = randomFrom(seed);
    const tree: Tree = new Map([['', { isDirectory: true, at: 0 }]]);
    for (let number = 0; number < 60; number++) disturb(tree, 0, random);
    const before = linesOf(tree);
    const steps = random.below(20);
    for (let number = 1; number <= steps; number++) disturb(tree, number, random);
    const changed: ChangedEntry[] = [...tree]
      .filter(([, { at }]) => at > 0)
      .map(([path, { isDirectory }]) => ({ path, isDirectory }));
    const lines = changedLines(changed, (directory) => {
      const inside = [...tree.keys()].filter((path) => path !== '' && parentOf(path) === directory);
      return new Set(inside.map((path) => path.slice(path.lastIndexOf('/') + 1)));
    });
    const size = 1 + random.below(7);
    const found = [];
    for (let at = 0; at < before.length; at += size)
      found.push(...lines.next(before.slice(at, at + size)));
    found.push(...lines.end());
    const made = found.map((one) => (typeof one === 'string' ? one : lineOf(tree, one.path)));
    t.same(made, linesOf(tree), `seed ${seed}`);
    const kept = found.filter((one) => typeof one === 'string').length;
    t.equal(kept, made.length - changed.filter(({ path }) => path !== '').length, 'and no more');
  }
});
