import t from 'tap';
import {
  differences,
  digestIn,
  formatEntry,
  orderOf,
  parseEntry,
  pathIn,
  type TreeEntry,
} from '../../../src/core/mtree.ts';

const file: TreeEntry = {
  path: 'a b/#ü\\[x]',
  type: 'file',
  mode: 0o4755,
  uid: 0,
  gid: 998,
  timeNs: 1_700_000_000_000_000_005n,
  size: 3n,
  digest: 'ab'.repeat(32),
};

await t.test('an entry is one line of printable characters, and comes back from it', async (t) => {
  const line = formatEntry(file);
  t.equal(
    line,
    String.raw`./a\040b/\043\374\134\133x] type=file mode=4755 uid=0 gid=998 time=1700000000.000000005 size=3 sha256digest=${'ab'.repeat(32)}`,
  );
  t.same(parseEntry(line), file);
  const link: TreeEntry = { ...file, type: 'link', target: '../=x\n', timeNs: -1n };
  const { size: _, digest: __, ...plain } = link;
  t.same(parseEntry(formatEntry(plain)), plain);
  t.match(formatEntry(plain), /time=-1\.999999999 .*link=\.\.\/\\075x\\012$/);
  const device: TreeEntry = { ...plain, type: 'char', device: [10, 200] };
  t.same(parseEntry(formatEntry(device)), device);
});

await t.test('what is no entry is none', async (t) => {
  for (const line of ['', '#mtree v2.0', '/set type=file', './a type=unknown']) {
    t.equal(parseEntry(line), undefined, line);
  }
});

await t.test('what differs is said, and nothing else', async (t) => {
  const said = (change: Partial<TreeEntry>): string[] => differences(file, { ...file, ...change });
  t.same(said({}), []);
  t.same(said({ digest: 'cd'.repeat(32) }), ['its content differs']);
  t.same(said({ mode: 0o755 }), ['mode 0755, not 4755']);
  t.same(said({ uid: 5, gid: 6 }), ['owner 5, not 0', 'group 6, not 998']);
  t.same(said({ timeNs: 5n }), ['time 0.000000005, not 1700000000.000000005']);
  t.same(said({ type: 'dir' }), ['is a dir, not a file']);
  const socket = { ...file, type: 'socket' } as const;
  t.same(differences(socket, { ...socket, timeNs: 0n }), [], 'rsync makes it anew');
});

await t.test('the digest of a line, where time and size are those', async (t) => {
  const digest = 'a'.repeat(64);
  const entry = { path: 'a b', type: 'file', mode: 0o644, uid: 1, gid: 2 } as const;
  const line = formatEntry({ ...entry, timeNs: -1n, size: 5n, digest });
  t.equal(digestIn(line, { timeNs: -1n, size: 5n }), digest);
  t.equal(digestIn(line, { timeNs: 0n, size: 5n }), undefined);
  t.equal(digestIn(line, { timeNs: -1n, size: 6n }), undefined);
  t.equal(pathIn(line), 'a b');
});

await t.test('the order of a walk', async (t) => {
  const paths = ['a', 'a/b', 'a/b/c', 'a-', 'a.', 'b'];
  t.same(paths.toReversed().toSorted(orderOf), paths);
});
