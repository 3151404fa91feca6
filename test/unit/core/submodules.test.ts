import t from 'tap';
import { gitlinksIn, submodulesOf, submoduleUrl } from '../../../src/core/submodules.ts';

const commit = 'c'.repeat(40);

function gitmodules(name: string, path: string, url: string): string {
  return `submodule.${name}.path\n${path}\0submodule.${name}.url\n${url}\0`;
}

await t.test('gitlinks are found among files, with any path', async (t) => {
  const tree = [
    `100644 blob ${'a'.repeat(40)}\tREADME`,
    `160000 commit ${commit}\tlib/with blank\nand line`,
    `120000 blob ${'b'.repeat(40)}\tlink`,
    `160000 commit ${'d'.repeat(64)}\tautonomy`,
    '',
  ].join('\0');
  t.same(
    [...gitlinksIn(tree)],
    [
      ['lib/with blank\nand line', commit],
      ['autonomy', 'd'.repeat(64)],
    ],
  );
  t.equal(gitlinksIn('').size, 0);
});

await t.test('gitlinks of an index are found as those of a commit', async (t) => {
  const index = [`100644 ${'a'.repeat(40)} 0\tREADME`, `160000 ${commit} 0\tlib/a b`, ''].join(
    '\0',
  );
  t.same([...gitlinksIn(index)], [['lib/a b', commit]]);
});

await t.test('a submodule has its name, path, commit and whole URL', async (t) => {
  const file = gitmodules('my.lib', 'libs/my', '../lib.git') + gitmodules('x', 'gone', 'y');
  t.same(submodulesOf(new Map([['libs/my', commit]]), file, 'https://git.corp/team/op.git'), [
    { name: 'my.lib', path: 'libs/my', commit, url: 'https://git.corp/team/lib.git' },
  ]);
});

await t.test('what git itself would refuse is refused', async (t) => {
  const links = new Map([['sub', commit]]);
  const refused = (name: string, url: string) =>
    t.throws(() => submodulesOf(links, gitmodules(name, 'sub', url), 'https://h/r'), /not safe/);
  refused('../../hooks', 'https://h/x');
  refused('a/..', 'https://h/x');
  refused('ok', '--upload-pack=touch /tmp/x');
  refused('ok', 'ext::sh -c id');
  refused('ok', 'https://h/x\nevil');
  t.throws(() => submodulesOf(links, '', 'https://h/r'), /sub has no path and url in .gitmodules/);
  t.equal(submodulesOf(links, gitmodules('a..b', 'sub', 'https://h/x'), '')[0]?.name, 'a..b');
});

const urls: readonly (readonly [remote: string, url: string, expected: string])[] = [
  ['https://h/team/op.git', '../lib.git', 'https://h/team/lib.git'],
  ['https://h/team/op.git/', '../lib.git', 'https://h/team/lib.git'],
  ['https://h/team/op.git', '../../other/lib.git', 'https://h/other/lib.git'],
  ['https://h/team/op.git', './lib.git', 'https://h/team/op.git/lib.git'],
  ['git@h:team/op.git', '../lib.git', 'git@h:team/lib.git'],
  ['git@h:op.git', '../lib.git', 'git@h:lib.git'],
  ['https://h:8443/op.git', '../lib.git', 'https://h:8443/lib.git'],
  ['/srv/git/op.git', '../lib.git', '/srv/git/lib.git'],
  ['https://h/op.git', 'https://other/lib.git', 'https://other/lib.git'],
  ['https://h/op.git', '/srv/lib.git', '/srv/lib.git'],
];
for (const [remote, url, expected] of urls) {
  await t.test(`${url} of ${remote} is ${expected}`, async (t) => {
    t.equal(submoduleUrl(remote, url), expected);
  });
}
