import { join } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import type { Test } from 'tap';
import {
  gitAsOwner,
  notOwners,
  openLive,
  owner,
  ownersDirectory,
  serveRemotes,
  writeAsOwner,
  type LiveClone,
  type Remotes,
} from '../support/git-world.ts';

/** A remote with two files, and its live clone. */
async function world(t: Test): Promise<LiveClone & { remotes: Remotes; first: string }> {
  const directory = ownersDirectory(t, 'git');
  const remotes = await serveRemotes(t, directory);
  const first = await remotes.create('op.git', {
    'compose.yaml': 'services: {}\n',
    README: 'one\n',
    '.gitignore': 'ignored/\n',
  });
  return { ...(await openLive(directory, remotes.url('op.git'))), remotes, first };
}

await t.test('tip asks the remote, fetch brings it, and the user’s branches stay', async (t) => {
  const { git, live, remotes, first } = await world(t);
  t.equal(await git.tip(), first);
  const second = await remotes.release('op.git', { README: 'two\n' });
  t.equal(await git.tip(), second);
  t.equal(await git.resolve(second), undefined, 'only asked, nothing fetched');

  const before = await gitAsOwner(live, 'for-each-ref', 'refs/heads', 'refs/tags');
  t.equal(await git.fetch(), second);
  t.equal(await gitAsOwner(live, 'for-each-ref', 'refs/heads', 'refs/tags'), before);
  t.equal(await gitAsOwner(live, 'rev-parse', 'refs/orchestrator-update/incoming'), second);
  t.same(await git.head(), { commit: first, branch: 'deploy' });
  t.equal(await gitAsOwner(live, 'status', '--porcelain'), '');
  t.same(await notOwners(live), [], 'all that git wrote is the owner’s');
});

await t.test('a branch that was rewritten is fetched as well, and is no descendant', async (t) => {
  const { git, remotes, first } = await world(t);
  const second = await remotes.release('op.git', { README: 'two\n' });
  await git.fetch();
  t.equal(await git.isAncestor(first, second), true);
  t.equal(await git.isAncestor(second, first), false);
  t.equal(await git.isAncestor(first, first), true);
  await gitAsOwner(remotes.tree('op.git'), 'reset', '--quiet', '--hard', first);
  const other = await remotes.release('op.git', { README: 'other\n' });
  t.equal(await git.fetch(), other);
  t.equal(await git.isAncestor(second, other), false);
  await gitAsOwner(remotes.tree('op.git'), 'checkout', '--quiet', '--orphan', 'x');
  const foreign = await remotes.release('op.git');
  await gitAsOwner(remotes.tree('op.git'), 'branch', '--force', 'deploy', foreign);
  await git.fetch();
  t.equal(await git.isAncestor(first, foreign), false, 'no common history');
});

await t.test('names a person types', async (t) => {
  const { git, live, first } = await world(t);
  t.equal(await git.resolve('HEAD'), first);
  t.equal(await git.resolve(first.slice(0, 7)), first);
  t.equal(await git.resolve('no-such'), undefined);
  t.equal(await git.resolve('--all'), undefined);
  t.equal(await git.subject(first), 'release');
  await gitAsOwner(live, 'checkout', '--quiet', '--detach');
  t.same(await git.head(), { commit: first, branch: undefined });
});

await t.test('no remote, or no such branch: said, with what to type', async (t) => {
  const { git, live, remotes } = await world(t);
  await gitAsOwner(remotes.tree('op.git'), 'branch', '--move', 'deploy', 'elsewhere');
  await t.rejects(git.tip(), { message: new RegExp(`origin of ${live} has no branch deploy`) });
  await t.rejects(git.fetch(), { message: /couldn't find remote ref/ });
  await remotes.cut();
  await t.rejects(git.tip(), { message: /origin of .* cannot be read: .*[Cc]onnect/s });
  await t.rejects(git.fetch(), { message: /git fetch .*[Cc]onnect/s });
});

await t.test('dirty are tracked files that differ, staged or not, with any name', async (t) => {
  const { git, live } = await world(t);
  await writeAsOwner(live, { untracked: 'x', 'ignored/x': 'x' });
  t.same(await git.dirtyFiles(), []);
  await writeAsOwner(live, { README: 'mine\n', ' blank ü': 'x' });
  await gitAsOwner(live, 'add', ' blank ü');
  await gitAsOwner(live, 'rm', '--quiet', 'compose.yaml');
  t.same((await git.dirtyFiles()).toSorted(byText), [' blank ü', 'compose.yaml', 'README']);
});

await t.test('a renamed file counts, under both names', async (t) => {
  const { git, live } = await world(t);
  await gitAsOwner(live, 'mv', 'README', 'a b');
  t.same((await git.dirtyFiles()).toSorted(byText), ['a b', 'README']);
});

await t.test('untracked files that a release would overwrite', async (t) => {
  const { git, live, remotes } = await world(t);
  await gitAsOwner(remotes.tree('op.git'), 'mv', 'README', 'renamed');
  const next = await remotes.release('op.git', {
    'new.txt': 'x',
    'ignored/kept': 'x',
    'data/x': 'x',
    other: 'x',
  });
  await gitAsOwner(remotes.tree('op.git'), 'add', '--force', 'ignored/kept');
  const last = await remotes.release('op.git');
  await git.fetch();
  t.same(await git.untrackedInTheWay(last), []);
  await writeAsOwner(live, {
    'new.txt': 'mine',
    'ignored/kept': 'mine',
    data: 'a file',
    renamed: 'm',
  });
  t.same((await git.untrackedInTheWay(next)).toSorted(byText), ['data', 'new.txt', 'renamed']);
  t.same((await git.untrackedInTheWay(last)).toSorted(byText), [
    'data',
    'ignored/kept',
    'new.txt',
    'renamed',
  ]);
});

await t.test('what git replaces by itself is not in the way', async (t) => {
  const { git, live, remotes } = await world(t);
  await gitAsOwner(remotes.tree('op.git'), 'rm', '--quiet', 'README');
  await remotes.release('op.git', { 'README/now a directory': 'x', empty: 'x', dir: 'x' });
  const next = await git.fetch();
  await writeAsOwner(live, { 'empty/x': '', 'dir/mine': '' });
  await execa('rm', [join(live, 'empty/x')]);
  t.same(await git.untrackedInTheWay(next), ['dir']);
  await execa('rm', ['-r', join(live, 'dir')]);
  t.same(await git.untrackedInTheWay(next), []);
  await git.checkout(next);
});

await t.test('changed paths: added, changed, deleted, and both names of a rename', async (t) => {
  const { git, remotes, first } = await world(t);
  await gitAsOwner(remotes.tree('op.git'), 'mv', 'README', 'READ ME');
  await gitAsOwner(remotes.tree('op.git'), 'rm', '--quiet', '.gitignore');
  const next = await remotes.release('op.git', { 'compose.yaml': 'x\n', 'ü/neu': 'x' });
  await git.fetch();
  t.same((await git.changedPaths(first, next)).toSorted(byText), [
    '.gitignore',
    'compose.yaml',
    'READ ME',
    'README',
    'ü/neu',
  ]);
  t.same(await git.changedPaths(first, first), []);
});

await t.test(
  'checkout goes forward and back, offline, and leaves what is not in git',
  async (t) => {
    const { git, live, remotes, first, text } = await world(t);
    await writeAsOwner(live, { '.env': 'SECRET=1\n' });
    const second = await remotes.release('op.git', { README: 'two\n', 'sub/new': 'x' });
    await git.fetch();
    await remotes.cut();
    await git.checkout(second);
    t.same(await git.head(), { commit: second, branch: 'deploy' });
    t.equal(text('README'), 'two\n');
    t.same(await git.dirtyFiles(), []);
    await git.checkout(second);
    await git.checkoutBack(first, second);
    t.same(await git.head(), { commit: first, branch: 'deploy' });
    t.equal(text('README'), 'one\n');
    t.equal(text('sub/new'), undefined);
    t.equal(text('.env'), 'SECRET=1\n');
    t.same(await notOwners(live), []);
  },
);

await t.test('without force changes are not lost; with it they give way', async (t) => {
  const { git, live, remotes, first, text } = await world(t);
  const second = await remotes.release('op.git', { README: 'two\n' });
  await git.fetch();
  await writeAsOwner(live, { README: 'mine\n' });
  await t.rejects(git.checkout(second), { message: /README/ });
  t.equal(text('README'), 'mine\n');
  t.equal((await git.head()).commit, first);
  await git.checkoutBack(second, first);
  t.equal(text('README'), 'two\n');
});

await t.test('hooks of the repository are never run', async (t) => {
  const { git, live, remotes, text } = await world(t);
  const hook = `#!/bin/sh\ntouch ${join(live, 'hook-ran')}\n`;
  await writeAsOwner(live, { '.git/hooks/post-checkout': hook, '.git/hooks/post-merge': hook });
  await gitAsOwner(live, 'config', 'core.fsmonitor', `touch ${join(live, 'hook-ran')}; false`);
  await execa('chmod', ['+x', join(live, '.git/hooks/post-checkout')]);
  const second = await remotes.release('op.git', { README: 'two\n' });
  await git.fetch();
  await git.dirtyFiles();
  await git.checkout(second);
  t.equal(text('hook-ran'), undefined);
});

await t.test('the owner is found, with the home that /etc/passwd gives them', async (t) => {
  const { context, live } = await world(t);
  t.match(context.repository, { directory: live, projectPath: '', owner: { uid: owner.uid } });
});

function byText(left: string, right: string): number {
  return left.localeCompare(right, 'en');
}
