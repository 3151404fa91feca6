import t from 'tap';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { activeFile, allAt, backupsOf, expectUpdate, hasFile, takePicture } from '../picture.ts';

await t.test('an unhealthy release is rolled back and quarantined', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const before = await host.head();
  const bad = await host.pushCluster({
    tag: 'v2',
    services: { knowledge: { tag: 'v2', mode: 'unhealthy' } },
  });

  await t.test('the start fails, the old release serves', async (t) => {
    const journal = await expectUpdate(t, host, 12);
    t.match(await host.unit(), { result: 'exit-code', activeState: 'failed' });
    t.same(await versions(host), allAt('v1'));
    t.equal(await host.head(), before, 'the work tree is back');
    const status = ['-C', host.workTree, 'status', '--porcelain', '--untracked-files=no'];
    t.equal((await host.run('git', status, { user: 'geo' })).stdout, '', 'and clean');
    t.match(journal, /service knowledge is unhealthy/);
    t.match(journal, new RegExp(`${bad.slice(0, 12)} was rolled back to ${before.slice(0, 12)}`));
    t.match(journal, /next: mend it and push/);
    t.equal((await backupsOf(host)).length, 1, 'the backup of the old release stays');
    t.notOk(await hasFile(host, activeFile));
  });

  await t.test('the next start is held and touches nothing', async (t) => {
    const picture = await takePicture(host);
    t.match(await expectUpdate(t, host, 0), new RegExp(`held: ${bad.slice(0, 12)} is quarantined`));
    t.same(await takePicture(host), picture);
    const { exitCode, stdout } = await host.cli('status');
    t.equal(exitCode, 0);
    t.match(stdout, /is quarantined: not healthy after .*knowledge/);
  });

  await t.test('by hand, with --force, it is tried again', async (t) => {
    t.match(await host.cli('run', '--force'), { exitCode: 12, stderr: /was rolled back to/ });
    t.same(await versions(host), allAt('v1'));
    t.equal((await host.cli('run')).exitCode, 0, 'and is quarantined again');
    t.equal(await host.head(), before);
  });

  await t.test('a mended commit on top of it is taken', async (t) => {
    const good = await host.pushCluster({ tag: 'v3' });
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v3'));
    t.equal(await host.head(), good);
  });
});

await t.test('a crash-looping release without a healthcheck is rolled back', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const before = await host.head();
  // It runs for a second before each exit: `up --wait` takes that for running and exits 0.
  await host.pushCluster({
    services: {
      orchestrator: { tag: 'v2' },
      reporter: { tag: 'v2', mode: 'exit', hostPort: null, healthcheck: null },
    },
  });
  const said = await expectUpdate(t, host, 12);
  t.match(said, /service reporter (is crash-looping|is restarting|has exited)/);
  t.same(await versions(host), allAt('v1'));
  t.equal(await host.head(), before);
  const names = (await host.containers()).map(({ service }) => service);
  t.same(
    names.toSorted(),
    ['knowledge', 'neurosync_s1', 'orchestrator'],
    'the new service is gone',
  );
});

await t.test('a service that was unhealthy before is not blamed on the update', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  // A deployed release with one service that does not serve: taken over as it is found.
  await host.run('docker', ['exec', 'knowledge', 'busybox', 'rm', '/tmp/www/health']);
  const isSick = async (): Promise<boolean> =>
    (await host.containers()).some(
      ({ name, health }) => name === 'knowledge' && health === 'unhealthy',
    );
  for (let tries = 0; tries < 100 && !(await isSick()); tries++) await host.run('sleep', ['0.2']);
  t.ok(await isSick(), 'docker calls it unhealthy');

  const next = await host.pushCluster({
    services: { orchestrator: { tag: 'v2' }, knowledge: {} },
  });
  const said = await expectUpdate(t, host, 0);
  t.equal(await host.head(), next);
  t.same(await versions(host), {
    8082: 'v2',
    5001: 'v1',
    8200: undefined,
  });
  t.match(said, /already before the update: service knowledge is unhealthy/);
  t.match(said, /still as before the update: service knowledge is unhealthy/);
});
