import t from 'tap';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import { allAt, backupsOf, expectUntouched, expectUpdate, takePicture } from '../picture.ts';

await t.test('rollback by hand', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const first = await host.head();

  await t.test('where there is nothing to go back to', async (t) => {
    const before = await takePicture(host);
    t.match(await host.cli('rollback'), { exitCode: 1, stderr: /no release before .* is known/ });
    t.match(await host.cli('rollback', '--to', 'nonsense'), {
      exitCode: 1,
      stderr: /there is no commit and no backup nonsense\nnext: /,
    });
    t.match(await host.cli('rollback', '--to', first), {
      exitCode: 1,
      stderr: /is what is deployed now/,
    });
    await expectUntouched(t, host, before);
  });

  const second = await host.pushCluster({ tag: 'v2' });
  await expectUpdate(t, host, 0);
  const third = await host.pushCluster({ tag: 'v3' });
  await expectUpdate(t, host, 0);
  t.same(await versions(host), allAt('v3'));

  await t.test('to the release before, without a network', async (t) => {
    await host.unplug();
    const { exitCode, stderr } = await host.cli('rollback');
    await host.plug();
    t.equal(exitCode, 0, 'it succeeds');
    t.match(stderr, /rolled back by hand from .* to .* and verified/);
    await host.waitHealthy();
    t.same(await versions(host), allAt('v2'));
    t.equal(await host.head(), second);
  });

  await t.test('the release that was left does not come back by itself', async (t) => {
    const before = await takePicture(host);
    t.match(await expectUpdate(t, host, 0), new RegExp(`held: ${third.slice(0, 12)}.*a person`));
    await expectUntouched(t, host, before);
    t.equal((await host.cli('check')).exitCode, 10);
  });

  await t.test('to a commit', async (t) => {
    t.match(await host.cli('rollback', '--to', first.slice(0, 10)), { exitCode: 0 });
    t.same(await versions(host), allAt('v1'));
    t.equal(await host.head(), first);
  });

  await t.test('to a backup', async (t) => {
    const name = (await backupsOf(host)).find((one) => one.endsWith(second.slice(0, 8))) ?? '';
    t.match(await host.cli('rollback', '--to', name), { exitCode: 0 });
    t.same(await versions(host), allAt('v2'));
    t.equal(await host.head(), second);
  });

  await t.test('to a release that wants a port which a stranger has by now', async (t) => {
    const wide = await host.pushCluster({ tag: 'v4', services: { reporter: { tag: 'v4' } } });
    await expectUpdate(t, host, 0);
    await host.pushCluster({ tag: 'v4' });
    await expectUpdate(t, host, 0);
    const node = '/usr/local/lib/orchestrator-update/current/bin/node';
    const listen = `require('node:net').createServer().listen(8300)`;
    await host.run('systemd-run', ['--unit=stranger', node, '-e', listen], { reject: true });
    const before = await takePicture(host);
    t.match(await host.cli('rollback', '--to', wide), {
      exitCode: 1,
      stderr: /service reporter wants port 8300\/tcp/,
    });
    await expectUntouched(t, host, before);
  });

  await t.test('to a release that is not healthy: forward again to the one that was', async (t) => {
    const good = await host.head();
    const bad = await host.pushCluster({
      tag: 'v4',
      services: { orchestrator: { tag: 'v4', mode: 'unhealthy' } },
    });
    await host.run('git', ['fetch', '-q', 'origin'], { user: 'geo', cwd: host.workTree });
    t.match(await host.cli('rollback', '--to', bad), {
      exitCode: 12,
      stderr: /service orchestrator is unhealthy/,
    });
    t.same(await versions(host), allAt('v4'));
    t.equal(await host.head(), good);
  });

  await t.test('history tells all of it', async (t) => {
    const { stdout } = await host.cli('history', '--json');
    const entries = JSON.parse(stdout) as { kind: string; to: string; state: string }[];
    const told = entries.map(({ kind, to, state }) => [kind, to, state]).toReversed();
    t.same(told.slice(0, 5), [
      ['update', second, 'COMMITTED'],
      ['update', third, 'COMMITTED'],
      ['rollback', second, 'COMMITTED'],
      ['rollback', first, 'COMMITTED'],
      ['rollback', second, 'COMMITTED'],
    ]);
  });
});
