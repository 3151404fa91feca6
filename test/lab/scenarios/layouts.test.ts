import t from 'tap';
import { composeFile } from '../cluster.ts';
import { identities, versions } from '../cluster-view.ts';
import { startInstalled } from '../installed-host.ts';
import { allAt, expectUpdate, startAndMeet, waitUntilClosed } from '../picture.ts';
import { clusterLayouts } from '../seeds.ts';

const backups = '/home/geo/operation/backups';

// Every other scenario has the directory.
for (const layout of clusterLayouts.filter((one) => one !== 'directory')) {
  await t.test(`layout ${layout}: an image change, its backup, and back`, async (t) => {
    const host = await startInstalled({ layout });
    t.teardown(() => host.destroy());
    const asGeo = { user: 'geo', cwd: host.workTree };
    const treeStatus = async (): Promise<string> => {
      const status = await host.run('git', ['status', '--porcelain'], asGeo);
      const modules = ['submodule', 'status', '--recursive'];
      const { stdout } = await host.run('git', modules, asGeo);
      // A + in front: the submodule is not at the commit its parent says.
      const moved = stdout.split('\n').filter((line) => !line.startsWith(' '));
      // Backups lie in the work tree, and nothing ignores them.
      const changed = status.stdout.split('\n').filter((line) => !line.endsWith(' backups/'));
      return [...changed, ...moved].filter((line) => line !== '').join('\n');
    };
    const first = await host.head();
    const before = await identities(host);
    const compose = composeFile({ services: { knowledge: { tag: 'v2' } } });
    const second = await host.pushRelease({
      message: 'A new knowledge, with its configuration',
      files: { 'docker-compose.yml': compose },
      config: { 'app.yml': 'level: debug\n' },
    });

    await t.test('the image change', async (t) => {
      const { exitCode } = await host.update();
      if (exitCode !== 0) t.comment(await host.journal());
      t.equal(exitCode, 0);
      t.equal(await host.head(), second);
      t.equal(await treeStatus(), '');
      t.match(await host.served(8200), {
        version: 'v2',
        greeting: 'hello',
        config: 'level: debug',
      });
      t.same(await versions(host), { 8082: 'v1', 5001: 'v1', 8200: 'v2' });
      // It mounts the configuration, so it is made anew although its definition is the same.
      t.not((await identities(host))['neurosync_s1'], before['neurosync_s1']);
      t.match(await host.served(5001), { config: 'level: debug' });
    });

    await t.test('the backup holds the release that was left', async (t) => {
      const latest = `${backups}/latest`;
      const name = (await host.run('readlink', [latest])).stdout;
      t.match(name, new RegExp(`^\\d{8}T\\d{6}Z-${first.slice(0, 8)}$`));
      t.equal(await host.readFile(`${latest}/autonomy/docker-compose.yml`), composeFile());
      t.equal(await host.readFile(`${latest}/autonomy/config/app.yml`), 'level: info\n');
      t.equal(await host.readFile(`${latest}/autonomy/.env`), 'GREETING=hello\n');
      const manifest: unknown = JSON.parse(await host.readFile(`${latest}/manifest.json`));
      t.match(manifest, { commit: first, project: 'autonomy', name });
    });

    await t.test('rollback', async (t) => {
      const back = await host.cli('rollback');
      t.equal(back.exitCode, 0, back.stderr);
      t.equal(await host.head(), first);
      t.equal(await treeStatus(), '');
      t.match(await host.served(8200), { version: 'v1', greeting: 'hello', config: 'level: info' });
      t.same(await versions(host), { 8082: 'v1', 5001: 'v1', 8200: 'v1' });
      t.equal((await host.update()).exitCode, 0, 'what was left by hand is not taken again');
      t.equal(await host.head(), first);
    });

    await t.test('the next release', async (t) => {
      const third = await host.pushCluster({ services: { knowledge: { tag: 'v3' } } });
      t.equal((await host.update()).exitCode, 0);
      t.equal(await host.head(), third);
      t.match(await host.served(8200), { version: 'v3', config: 'level: debug' });
      t.equal(await treeStatus(), '');
    });

    await t.test('a release that is not healthy: all of it goes back', async (t) => {
      const good = await host.head();
      await host.pushRelease({
        message: 'Broken, with its configuration',
        files: {
          'docker-compose.yml': composeFile({
            services: { knowledge: { tag: 'v4', mode: 'unhealthy' }, reporter: {} },
          }),
        },
        config: { 'app.yml': 'level: broken\n' },
      });
      t.match(await expectUpdate(t, host, 12), /was rolled back to .*, which is healthy/);
      t.equal(await host.head(), good);
      t.equal(await treeStatus(), '');
      t.match(await host.served(8200), { version: 'v3', config: 'level: debug' });
      t.equal(await host.served(8300), undefined, 'the service that came with it is gone');
    });

    await t.test('a power cut in the middle: one whole release', async (t) => {
      const old = await host.head();
      const next = await host.pushRelease({
        message: 'All new, with its configuration',
        files: { 'docker-compose.yml': composeFile({ tag: 'v4' }) },
        config: { 'app.yml': 'level: info\n' },
      });
      await startAndMeet(host, /apply /);
      await host.powerCut();
      await host.boot();
      await waitUntilClosed(host);
      await host.waitHealthy();
      const isOld = (await host.head()) === old;
      t.same(await versions(host), isOld ? { ...allAt('v1'), 8200: 'v3' } : allAt('v4'));
      t.match(await host.served(5001), { config: isOld ? 'level: debug' : 'level: info' });
      t.equal(await treeStatus(), '');
      await expectUpdate(t, host, 0);
      t.equal(await host.head(), next);
      t.same(await versions(host), allAt('v4'));
      t.equal(await treeStatus(), '');
    });
  });
}
