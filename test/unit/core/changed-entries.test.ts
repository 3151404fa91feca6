import t from 'tap';
import { whatChanged } from '../../../src/core/changed-entries.ts';

await t.test('what is compared, and where everything is', async (t) => {
  const before = new Map([
    ['', '1'],
    ['same', '2'],
    ['other', '3'],
  ]);
  const { paths, moved } = whatChanged(
    [
      { type: 'd', inode: '1', path: '' },
      { type: 'd', inode: '2', path: 'same' },
      { type: 'f', inode: '9', path: 'same/file' },
      { type: 'd', inode: '4', path: 'other' },
      { type: 'd', inode: '5', path: 'other/deep' },
      { type: 'l', inode: '6', path: 'link' },
    ],
    before,
  );
  t.same(paths, ['./', 'same/', 'same/file', 'other/', 'other/deep/', 'link']);
  t.same(moved, ['other'], 'another directory at the same path; what is in it goes with it');
});
