import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { differingFiles as find } from '../../src/host/tree-contents.ts';

const differingFiles = async (...args: Parameters<typeof find>): Promise<readonly string[]> =>
  (await find(...args)).paths;

await t.test('files that differ in content, mode, kind, or are on one side only', async (t) => {
  const directory = t.testdir({
    old: {
      conf: { same: 'a', text: 'old', short: '1', mode: 'm', kind: 'k', gone: 'g', '.git': 'x' },
    },
    now: {
      conf: { same: 'a', text: 'new', short: '12', mode: 'm', '.git': 'y', sub: { new: 'n' } },
    },
  });
  const [old, now] = [join(directory, 'old'), join(directory, 'now')];
  chmodSync(join(now, 'conf/mode'), 0o755);
  symlinkSync('same', join(now, 'conf/kind'));
  t.same(await differingFiles(old, now, 'conf'), [
    'conf/gone',
    'conf/kind',
    'conf/mode',
    'conf/short',
    'conf/sub/new',
    'conf/text',
  ]);
  t.same(await differingFiles(old, now, 'conf/text'), ['conf/text']);
  t.same(await differingFiles(old, now, 'conf/same'), []);
  t.same(await differingFiles(old, now, 'absent'), []);
});

await t.test('a big file that differs in its last byte', async (t) => {
  const directory = t.testdir({ old: {}, now: {} });
  const [old, now] = [join(directory, 'old'), join(directory, 'now')];
  const bytes = Buffer.alloc(3_000_000);
  writeFileSync(join(old, 'big'), bytes);
  writeFileSync(join(now, 'big'), bytes);
  t.same(await differingFiles(old, now, ''), []);
  bytes[2_999_999] = 1;
  writeFileSync(join(now, 'big'), bytes);
  t.same(await differingFiles(old, now, ''), ['big']);
});

await t.test('what is a directory here and a file there, and links of a staged tree', async (t) => {
  const directory = t.testdir({ old: { it: {}, env: 'a' }, now: { it: 'x' } });
  const [old, now] = [join(directory, 'old'), join(directory, 'now')];
  symlinkSync(join(old, 'env'), join(now, 'env'));
  t.same(await differingFiles(old, now, 'it'), ['it']);
  t.same(await differingFiles(old, now, ''), ['it'], 'a link to the file itself is that file');
  chmodSync(join(old, 'env'), 0o664);
  t.same(await differingFiles(old, now, ''), ['it'], 'the umask makes no difference');
});
