import t, { type Test } from 'tap';
import { startInstalled } from '../installed-host.ts';
import { versions } from '../cluster-view.ts';
import {
  activeFile,
  allAt,
  expectUpdate,
  hasFile,
  journalEnd,
  takePicture,
  waitForJournal,
} from '../picture.ts';

const unit = 'orchestrator-update.service';

await t.test('only one run at a time', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  const next = await host.pushCluster({ tag: 'v2' });
  const [first, second] = [host.update(), host.update()];
  await waitForJournal(host, /verify the new release/);

  const { exitCode, stderr } = await host.cli('run');
  t.equal(exitCode, 11);
  const pid = (await host.run('systemctl', ['show', unit, '--property=MainPID', '--value'])).stdout;
  t.match(stderr, new RegExp(`another run is under way \\(process ${pid}, since 20`));
  t.match(stderr, /next: journalctl -u orchestrator-update -f/);
  t.equal((await host.cli('rollback')).exitCode, 11, 'nor a rollback');
  t.equal((await host.cli('plan')).exitCode, 0, 'looking is allowed');

  t.equal((await first).exitCode, 0);
  t.equal((await second).exitCode, 0, 'the second start waited for the same run');
  t.equal((await host.journal()).match(/verify the new release/g)?.length, 1);
  t.same(await versions(host), allAt('v2'));
  t.equal(await host.head(), next);
});

await t.test('systemctl stop in the middle takes the update back first', async (t) => {
  const host = await startInstalled();
  t.teardown(() => host.destroy());
  // A service that takes its time to stop: replacing it takes long enough to be met at it.
  const slow = { tag: 'v1', stopDelaySeconds: 4 };
  const before = await host.pushCluster({ services: { knowledge: slow } });
  await expectUpdate(t, host, 0);

  const next = await host.pushCluster({ tag: 'v2' });
  const stopAt = async (t: Test, pattern: RegExp): Promise<void> => {
    const since = await journalEnd(host);
    const run = host.update();
    await waitForJournal(host, pattern, { since });
    await host.run('systemctl', ['stop', unit], { timeoutSeconds: 120, reject: true });
    // At once, without waiting: the stop itself returns only when the old release is healthy.
    t.same(await versions(host), allAt('v1'));
    t.equal(await host.head(), before);
    t.notOk(await hasFile(host, activeFile), 'no transaction is open');
    t.not((await run).exitCode, 0, 'the start that was waiting fails');
    t.match(await host.unit(), { exitStatus: 130 });
    t.match((await host.journal()).slice(since), /was rolled back to .*, which is healthy/);
    t.match((await host.journal()).slice(since), /next: the next run tries again/);
  };
  await t.test('while it is verified', (t) => stopAt(t, /verify the new release/));
  await t.test('while it is applied', (t) => stopAt(t, /apply knowledge/));

  await t.test('before anything was touched', async (t) => {
    const picture = await takePicture(host);
    await host.unplug();
    const run = host.update();
    await host.run('sleep', ['1']);
    await host.run('systemctl', ['stop', unit], { timeoutSeconds: 60, reject: true });
    t.not((await run).exitCode, 0);
    await host.plug();
    await host.waitHealthy();
    t.same(await takePicture(host), picture);
  });

  await t.test('nobody is blamed, and the next run applies it', async (t) => {
    await expectUpdate(t, host, 0);
    t.same(await versions(host), allAt('v2'));
    t.equal(await host.head(), next);
    const picture = await takePicture(host);
    t.match(await expectUpdate(t, host, 0), /nothing to do/);
    t.same(await takePicture(host), picture);
  });
});
