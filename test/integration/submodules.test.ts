import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import type { Test } from 'tap';
import {
  gitAsOwner,
  leaveLock,
  notOwners,
  openLive,
  ownersDirectory,
  serveRemotes,
  writeAsOwner,
  type LiveClone,
  type Remotes,
} from '../support/git-world.ts';

interface World extends LiveClone {
  readonly remotes: Remotes;
  readonly directory: string;
  readonly first: string;
}

/** A remote with a submodule at `lib`, by a relative URL, and a live clone with it. */
async function world(t: Test): Promise<World> {
  const directory = ownersDirectory(t, 'sub');
  const remotes = await serveRemotes(t, directory);
  await remotes.create('lib.git', { lib: 'one\n' });
  await remotes.create('op.git', { README: 'one\n' });
  await addSubmodule(remotes, 'op.git', 'lib', 'lib.git', '../lib.git');
  const first = await remotes.release('op.git');
  return { ...(await openLive(directory, remotes.url('op.git'))), remotes, directory, first };
}

/** Adds a submodule to a remote's work tree, to be released with it. */
async function addSubmodule(
  remotes: Remotes,
  name: string,
  path: string,
  submodule: string,
  url = remotes.url(submodule),
): Promise<void> {
  const tree = remotes.tree(name);
  await gitAsOwner(tree, 'clone', '--quiet', remotes.url(submodule), path);
  const module = ['config', '--file', '.gitmodules'];
  await gitAsOwner(tree, ...module, `submodule.${path}.path`, path);
  await gitAsOwner(tree, ...module, `submodule.${path}.url`, url);
}

/** A new commit of the submodule, and a release that has it. */
async function moveLib({ remotes }: World, text: string): Promise<string> {
  await remotes.release('lib.git', { lib: text });
  await remotes.pin('op.git', 'lib', 'lib.git');
  return remotes.release('op.git', { README: text });
}

await t.test('a submodule that moved: fetched first, then checked out offline', async (t) => {
  const here = await world(t);
  const { git, live, remotes, first, text } = here;
  t.equal(text('lib/lib'), 'one\n');
  const second = await moveLib(here, 'two\n');
  await git.fetch();
  await git.fetchSubmodules(second);
  await remotes.cut();
  t.equal(text('lib/lib'), 'one\n', 'fetching moves nothing');
  t.same(await git.changedPaths(first, second), ['README', 'lib']);

  await git.checkout(second);
  t.equal(text('lib/lib'), 'two\n');
  t.same(await git.dirtyFiles(), []);
  await git.fetchSubmodules(first);
  await git.checkoutBack(first, second);
  t.equal(text('lib/lib'), 'one\n');
  t.same(await git.dirtyFiles(), []);
  t.same(await notOwners(live), []);
});

await t.test(
  'a commit on no branch of the submodule any more is fetched by its name',
  async (t) => {
    const here = await world(t);
    const { git, remotes, text } = here;
    const second = await moveLib(here, 'two\n');
    const lib = remotes.tree('lib.git');
    await gitAsOwner(lib, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    await gitAsOwner(lib, 'reset', '--quiet', '--hard', 'HEAD~1');
    await git.fetch();
    await git.fetchSubmodules(second);
    await git.checkout(second);
    t.equal(text('lib/lib'), 'two\n');
  },
);

await t.test('a commit that cannot be had is said before anything is touched', async (t) => {
  const here = await world(t);
  const { git, remotes, first, text } = here;
  await writeAsOwner(join(remotes.tree('op.git'), 'lib'), { lib: 'never pushed\n' });
  await gitAsOwner(join(remotes.tree('op.git'), 'lib'), 'commit', '-aqm', 'local');
  const second = await remotes.release('op.git');
  await git.fetch();
  await t.rejects(git.fetchSubmodules(second), { message: /git .*fetch/ });
  t.equal((await git.head()).commit, first);
  t.equal(text('lib/lib'), 'one\n');
});

await t.test('a submodule that is new, with one inside it, offline, there and back', async (t) => {
  const { git, live, remotes, first, text, directory } = await world(t);
  await remotes.create('deep.git', { deep: 'deep\n' });
  await remotes.create('mid.git', { mid: 'mid\n' });
  await addSubmodule(remotes, 'mid.git', 'in side', 'deep.git', '../deep.git');
  await remotes.release('mid.git');
  await addSubmodule(remotes, 'op.git', 'libs/mid', 'mid.git', '../mid.git');
  const second = await remotes.release('op.git');
  await git.fetch();
  await git.fetchSubmodules(second);
  await git.fetchSubmodules(second);
  await remotes.cut();
  t.same((await execa('ls', ['-A', join(directory, 'cache')])).stdout, '', 'no scratch is left');

  const staging = await git.stage(second);
  const staged = await execa('find', [staging.directory, '-type', 'f', '-printf', '%P\n']);
  t.same(staged.stdout.split('\n').toSorted(byText), [
    '.gitmodules',
    'lib/lib',
    'libs/mid/.gitmodules',
    'libs/mid/in side/deep',
    'libs/mid/mid',
    'README',
  ]);
  await git.dropStagings();

  for (let round = 1; round <= 2; round++) {
    await git.checkout(second);
    t.equal(text('libs/mid/in side/deep'), 'deep\n');
    t.same(await git.dirtyFiles(), []);
    await git.checkoutBack(first, second);
    t.same(await git.dirtyFiles(), []);
    t.same(await git.untrackedInTheWay(second), [], 'what it left is no obstacle');
  }
  t.same(await notOwners(live), []);
});

await t.test('a submodule whose directory somebody removed can still be fetched', async (t) => {
  const here = await world(t);
  const { git, live, remotes, text } = here;
  const second = await moveLib(here, 'two\n');
  await execa('rm', ['-r', join(live, 'lib')]);
  await git.fetch();
  await git.fetchSubmodules(second);
  await remotes.cut();
  await git.checkoutBack(second, second);
  t.equal(text('lib/lib'), 'two\n');
});

await t.test('a submodule that got another URL', async (t) => {
  const { git, live, remotes, text } = await world(t);
  await remotes.create('fork.git', { lib: 'fork\n' });
  const tree = remotes.tree('op.git');
  await execa('rm', ['-r', join(tree, 'lib')]);
  await addSubmodule(remotes, 'op.git', 'lib', 'fork.git', '../fork.git');
  const second = await remotes.release('op.git');
  await git.fetch();
  await git.fetchSubmodules(second);
  await remotes.cut();
  await git.checkout(second);
  t.equal(text('lib/lib'), 'fork\n');
  t.equal(
    await gitAsOwner(join(live, 'lib'), 'remote', 'get-url', 'origin'),
    remotes.url('fork.git'),
  );
});

await t.test('a submodule that goes away, and comes back later', async (t) => {
  const { git, remotes, first, text } = await world(t);
  await gitAsOwner(remotes.tree('op.git'), 'rm', '--quiet', '--cached', 'lib', '.gitmodules');
  await execa('rm', ['-r', join(remotes.tree('op.git'), 'lib')]);
  await execa('rm', [join(remotes.tree('op.git'), '.gitmodules')]);
  const second = await remotes.release('op.git');
  await git.fetch();
  await git.fetchSubmodules(second);
  await git.checkout(second);
  t.same(await git.dirtyFiles(), []);
  t.same(await git.untrackedInTheWay(first), []);
  await git.checkout(first);
  t.equal(text('lib/lib'), 'one\n');
});

await t.test('dirty files in a submodule are named by their place in the whole tree', async (t) => {
  const { git, live } = await world(t);
  await writeAsOwner(live, { 'lib/untracked': 'x' });
  t.same(await git.dirtyFiles(), []);
  await writeAsOwner(live, { 'lib/lib': 'mine\n' });
  t.same(await git.dirtyFiles(), ['lib/lib']);
  await gitAsOwner(join(live, 'lib'), 'checkout', '--quiet', '--', 'lib');
  await gitAsOwner(join(live, 'lib'), 'commit', '--quiet', '--allow-empty', '-m', 'own');
  t.same(await git.dirtyFiles(), ['lib'], 'a commit of its own is a change, too');
});

await t.test('untracked files inside a submodule that a release would overwrite', async (t) => {
  const { git, live, remotes } = await world(t);
  await remotes.release('lib.git', { 'new.txt': 'x' });
  await remotes.pin('op.git', 'lib', 'lib.git');
  const second = await remotes.release('op.git');
  await git.fetch();
  await git.fetchSubmodules(second);
  t.same(await git.untrackedInTheWay(second), []);
  await writeAsOwner(live, { 'lib/new.txt': 'mine' });
  t.same(await git.untrackedInTheWay(second), ['lib/new.txt']);
});

await t.test('the way back is free of the locks that a killed git left', async (t) => {
  const here = await world(t);
  const { git, live, first, text } = here;
  const second = await moveLib(here, 'two\n');
  await git.fetch();
  await git.fetchSubmodules(second);
  await git.checkout(second);
  const locks = [
    'index.lock',
    'HEAD.lock',
    'config.lock',
    'refs/heads/deploy.lock',
    'modules/lib/index.lock',
    'modules/lib/HEAD.lock',
    'modules/lib/config.lock',
  ];
  for (const lock of locks) await leaveLock(join(live, '.git', lock));
  await t.rejects(git.checkout(first), { message: /File exists/ });
  await git.checkoutBack(first, second);
  t.equal(text('lib/lib'), 'one\n');
  t.same(await git.dirtyFiles(), []);
});

function byText(left: string, right: string): number {
  return left.localeCompare(right, 'en');
}
