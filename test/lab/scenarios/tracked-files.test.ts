import t from 'tap';
import { identities, versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
import { expectRefusal, expectUpdate } from '../picture.ts';

await t.test('the environment comes from a tracked .env', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const env = `${host.projectDir}/.env`;
  const head = await host.head();
  const before = await identities(host);
  const files = { '.env': 'GREETING=from git\n', '.gitignore': null };
  const commit = await host.pushRelease({ message: 'Track the environment', files });

  await t.test('an untracked file in its way is not overwritten', async (t) => {
    t.not((await host.update()).exitCode, 0);
    t.match(await host.unit(), { exitStatus: 1, result: 'exit-code' });
    const journal = await host.journal();
    t.match(
      journal,
      /files that are not in git would be overwritten by [0-9a-f]{12}: autonomy\/\.env\n/,
    );
    t.match(journal, /next: move them away or commit them; then start the update again/);
    t.equal(await host.readFile(env), 'GREETING=hello\n');
    t.equal((await host.run('stat', ['-c', '%a %U', env])).stdout, '600 geo');
    t.equal(await host.head(), head);
    t.same(await identities(host), before);
  });

  await t.test('out of the way, the release is applied', async (t) => {
    await host.run('rm', [env], { user: 'geo', reject: true });
    t.equal((await host.update()).exitCode, 0);
    t.equal(await host.head(), commit);
    t.match(await host.served(8200), { greeting: 'from git' });
  });

  await t.test('a changed value reaches the one service that uses it', async (t) => {
    const between = await identities(host);
    await host.pushRelease({ message: 'Greet', files: { '.env': 'GREETING=good morning\n' } });
    t.equal((await host.update()).exitCode, 0);
    t.match(await host.served(8200), { greeting: 'good morning', version: 'v1' });
    const after = await identities(host);
    t.not(after['knowledge'], between['knowledge']);
    t.equal(after['orchestrator'], between['orchestrator']);
    t.equal(after['neurosync_s1'], between['neurosync_s1']);
    t.match(await host.journal(), /service knowledge changed: environment/);
  });
});

await t.test('an untracked file in the way of a submodule is not overwritten', async (t) => {
  const host = await startInstalled({ layout: 'submodule' });
  t.teardown(() => host.destroy());
  const env = `${host.projectDir}/.env`;
  const local = `${host.projectDir}/config/local.yml`;
  await host.writeFile(local, 'mine: yes\n', { owner: 'geo:geo' });
  const head = await host.head();
  const before = await identities(host);
  await host.pushRelease({
    message: 'Track the environment, and a file of the configuration',
    files: { '.env': 'GREETING=from git\n', '.gitignore': null },
    config: { 'local.yml': 'mine: no\n' },
  });
  t.not((await host.update()).exitCode, 0);
  t.match(await host.unit(), { exitStatus: 1, result: 'exit-code' });
  const journal = await host.journal();
  t.match(journal, /files that are not in git would be overwritten by [0-9a-f]{12}: /);
  t.match(journal, /autonomy\/\.env/);
  t.match(journal, /autonomy\/config\/local\.yml/);
  t.equal(await host.readFile(local), 'mine: yes\n');
  t.equal(await host.readFile(env), 'GREETING=hello\n');
  t.equal(await host.head(), head);
  t.same(await identities(host), before);
});

await t.test('a submodule moves', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const file = `${host.projectDir}/config/app.yml`;

  await t.test('its files are checked out', async (t) => {
    const config = { 'app.yml': 'level: debug\n', 'more.yml': 'a: 1\n' };
    const commit = await host.pushRelease({ message: 'More to read', config });
    t.equal((await host.update()).exitCode, 0);
    t.equal(await host.head(), commit);
    t.equal(await host.readFile(file), 'level: debug\n');
    const owner = await host.run('stat', ['-c', '%U', file, `${host.projectDir}/config/more.yml`]);
    t.equal(owner.stdout, 'geo\ngeo', 'geo owns what was checked out');
    const status = ['-C', host.workTree, 'submodule', 'status', '--recursive'];
    t.match(await host.run('git', status, { user: 'geo' }), { stdout: / [0-9a-f]{40} \S+ / });
  });

  // Compose does not see it: the model is the same, and only a new process reads the new file.
  await t.test('the services that read them at their start have read them', async (t) => {
    t.same(await versions(host), { 8082: 'v1', 5001: 'v1', 8200: 'v1' });
    for (const port of [8082, 5001, 8200]) {
      t.match(await host.served(port), { config: 'level: debug' }, `port ${port}`);
    }
  });
});

await t.test(
  'a lock of git: whoever may hold it is waited for, what a boot left is removed',
  async (t) => {
    const host = await startInstalled();
    t.teardown(() => host.destroy());
    await expectUpdate(t, host, 0);
    const lock = `${host.workTree}/.git/index.lock`;
    await host.run('touch', [lock], { user: 'geo', reject: true });
    const release = await host.pushCluster({ tag: 'v2' });
    const said = await expectRefusal(t, host);
    t.match(
      said,
      /another git is at work in the work tree, or one was killed there: .*index\.lock/,
    );
    t.match(said, /next: ps -C git .*; when there is none: rm .*index\.lock/);
    await host.reboot();
    await expectUpdate(t, host, 0);
    t.equal(await host.head(), release);
  },
);
