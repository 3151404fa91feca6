import t from 'tap';
import { sizesIn } from '../../../src/core/sizes.ts';

await t.test('what a tree takes: a file with many names once', async (t) => {
  t.same(sizesIn('2 1 8\n1 5 16\n2 7 8\n2 7 8\n3 9 8\n'), { bytes: 40 * 512, entries: 4 });
  t.same(sizesIn(''), { bytes: 0, entries: 0 });
});
