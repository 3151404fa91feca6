import t from 'tap';
import { lookedAt } from '../../../src/core/sizes.ts';

await t.test('what is found in one look', async (t) => {
  t.same(lookedAt('').size, { bytes: 0, entries: 0, largestBytes: 0 });
  const look = lookedAt('d7 \0b8\0cdir with blank/f\0b16\0l24 9\0l24 9\0d12 a\nb/c\0b8\0');
  t.same(look.size, { bytes: 56 * 512, entries: 4, largestBytes: 24 * 512 });
  t.same(
    [...look.directories],
    [
      ['', '7'],
      ['a\nb/c', '12'],
    ],
  );
  t.same(look.changed, ['dir with blank/f']);
});
