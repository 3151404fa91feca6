import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import t from 'tap';
import type { Test } from 'tap';
import { createGit } from '../../src/host/git.ts';
import { findRepository } from '../../src/host/repository.ts';
import {
  gitAsOwner,
  openLive,
  ownersDirectory,
  serveRemotes,
  writeAsOwner,
  type LiveClone,
  type Remotes,
} from '../support/git-world.ts';

async function world(t: Test): Promise<LiveClone & { remotes: Remotes; directory: string }> {
  const directory = ownersDirectory(t, 'stage');
  const remotes = await serveRemotes(t, directory);
  await remotes.create('lib.git', { 'lib.yaml': 'one\n', '.gitignore': '*.secret\n' });
  await remotes.create('op.git', {
    'autonomy/compose.yaml': 'one\n',
    '.gitignore': '.env\n/backups/\n',
    'run.sh': '#!/bin/sh\n',
  });
  const tree = remotes.tree('op.git');
  await execa('chmod', ['+x', join(tree, 'run.sh')]);
  await execa('ln', ['-s', 'autonomy/compose.yaml', join(tree, 'link')]);
  await gitAsOwner(tree, 'submodule', '--quiet', 'add', remotes.url('lib.git'), 'lib');
  await gitAsOwner(tree, 'commit', '--quiet', '--message=all', '--all');
  await remotes.release('op.git');
  return { ...(await openLive(directory, remotes.url('op.git'))), remotes, directory };
}

const read = (...path: string[]): string => readFileSync(join(...path), 'utf8');

await t.test('a whole release beside the live tree, which stays as it is', async (t) => {
  const { git, live, remotes } = await world(t);
  await remotes.release('lib.git', { 'lib.yaml': 'two\n' });
  await remotes.pin('op.git', 'lib', 'lib.git');
  const second = await remotes.release('op.git', { 'autonomy/compose.yaml': 'two\n' });
  await git.fetch();
  await git.fetchSubmodules(second);
  await remotes.cut();

  const staging = await git.stage(second);
  t.equal(staging.commit, second);
  t.equal(read(staging.directory, 'autonomy/compose.yaml'), 'two\n');
  t.equal(read(staging.directory, 'lib/lib.yaml'), 'two\n');
  t.equal(readlinkSync(join(staging.directory, 'link')), 'autonomy/compose.yaml');
  t.ok(lstatSync(join(staging.directory, 'run.sh')).mode & 0o100, 'modes are kept');
  t.notOk(existsSync(join(staging.directory, '.git')));

  t.equal(read(live, 'autonomy/compose.yaml'), 'one\n');
  t.equal(read(live, 'lib/lib.yaml'), 'one\n');
  t.equal(await gitAsOwner(live, 'status', '--porcelain'), '');
  t.equal(await gitAsOwner(join(live, 'lib'), 'status', '--porcelain'), '');
});

await t.test('what the live tree has beside git is linked, never copied', async (t) => {
  const { git, live } = await world(t);
  await writeAsOwner(live, {
    '.env': 'A=1\n',
    'autonomy/.env': 'B=2\n',
    'data dir/pg/1': 'x',
    'autonomy/plain': 'x',
    'lib/key.secret': 'x',
    'backups/b1/manifest.json': '{}',
    'lib/sub/untracked': 'x',
  });
  const { commit } = await git.head();
  const { directory } = await git.stage(commit);
  const linked = [
    '.env',
    'autonomy/.env',
    'data dir',
    'autonomy/plain',
    'lib/key.secret',
    'lib/sub',
  ];
  for (const path of linked) t.equal(readlinkSync(join(directory, path)), join(live, path));
  t.equal(read(directory, 'autonomy/.env'), 'B=2\n');
  t.notOk(existsSync(join(directory, 'backups')), 'backups are no part of a release');
});

await t.test('a path that leaves the tree leads where it leads from the live one', async (t) => {
  const { git, live, directory: base } = await world(t);
  writeFileSync(join(base, 'beside.env'), 'A=1\n');
  const { directory, root } = await git.stage((await git.head()).commit);
  t.equal(directory, `${root}${live}`);
  t.equal(read(directory, relative(live, base), 'beside.env'), 'A=1\n');
  t.equal(read(root, 'etc/hostname'), read('/etc/hostname'));
  t.equal(lstatSync(root).uid, 0, 'nobody else can put links into the directories around it');
});

await t.test('a file that the release brings wins over the live one of that name', async (t) => {
  const { git, live, remotes } = await world(t);
  const second = await remotes.release('op.git', { 'settings.yaml': 'of the release\n' });
  await writeAsOwner(live, { 'settings.yaml': 'mine\n' });
  await git.fetch();
  await git.fetchSubmodules(second);
  const { directory } = await git.stage(second);
  t.equal(read(directory, 'settings.yaml'), 'of the release\n');
});

await t.test(
  'an untracked directory that the release begins to track keeps its files',
  async (t) => {
    const { git, live, remotes } = await world(t);
    await writeAsOwner(live, { 'conf/local.env': 'A=1\n', 'conf/more/x': 'x' });
    const second = await remotes.release('op.git', {
      'conf/shared.env': 'B=2\n',
      'conf/more/y': 'y',
    });
    await git.fetch();
    await git.fetchSubmodules(second);
    const { directory } = await git.stage(second);
    t.equal(read(directory, 'conf/shared.env'), 'B=2\n');
    t.equal(read(directory, 'conf/local.env'), 'A=1\n');
    t.equal(read(directory, 'conf/more/x'), 'x');
    t.equal(read(directory, 'conf/more/y'), 'y');
  },
);

await t.test('stagings of this process and of dead ones go, a living one’s stays', async (t) => {
  const { git, directory: base } = await world(t);
  const staging = await git.stage((await git.head()).commit);
  const stagings = join(base, 'cache/staging');
  const other = String(process.ppid);
  for (const name of ['4194304-dead', `${other}-alive`]) mkdirSync(join(stagings, name));
  await git.dropStagings();
  t.notOk(existsSync(staging.directory));
  t.notOk(existsSync(join(stagings, '4194304-dead')));
  t.ok(existsSync(join(stagings, `${other}-alive`)));
});

await t.test(
  'the work tree is found: configured, around, a submodule, or the project',
  async (t) => {
    const { live, config, context } = await world(t);
    const found = async (keys: object) => {
      const { directory, projectPath } = await findRepository({ ...config, ...keys });
      return `${directory.slice(live.length)}|${projectPath}`;
    };
    t.equal(await found({}), '|');
    t.equal(await found({ project_dir: `${live}/autonomy` }), '|autonomy');
    t.equal(await found({ project_dir: `${live}/lib` }), '|lib', 'a submodule of root');
    t.equal(await found({ repository: `${live}/lib`, project_dir: `${live}/lib` }), '/lib|');
    await gitAsOwner(live, 'clone', '--quiet', '.', 'own');
    t.equal(await found({ project_dir: `${live}/own` }), '/own|', 'a repository of its own');
    await t.rejects(found({ project_dir: `${live}/absent` }), {
      message: /neither .* nor .*absent/,
    });
    await t.rejects(found({ repository: `${live}/autonomy` }), {
      message: /is not a git work tree/,
    });
    t.equal(createGit(context).directory, live);
  },
);

await t.test(
  'it is whole, and on its own, whatever the owner has set for the live tree',
  async (t) => {
    const { git, live } = await world(t);
    for (const setting of ['core.sparseCheckout', 'submodule.recurse']) {
      await gitAsOwner(live, 'config', setting, 'true');
    }
    await writeAsOwner(live, { '.git/info/sparse-checkout': '/run.sh\n' });
    const { commit } = await git.head();
    const { directory } = await git.stage(commit);
    t.equal(read(directory, 'autonomy/compose.yaml'), 'one\n');
    t.equal(read(directory, 'lib/lib.yaml'), 'one\n');
    t.notOk(existsSync(join(directory, 'lib/.git')));
    t.equal(await gitAsOwner(join(live, 'lib'), 'rev-parse', '--show-toplevel'), join(live, 'lib'));
  },
);
